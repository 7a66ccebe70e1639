import { describe, expect, test } from 'vitest';
import { Rig } from '../../support/rig.ts';

const minutely = { cron: '* * * * *' };

function rig(overlap: string, policy: object = {}): Rig {
  const made = new Rig('2026-01-01T00:00:30Z');
  made.put({ name: 'a', schedule: minutely, policy: { overlap, ...policy } });
  made.advance('2026-01-01T00:01:10Z');
  made.begin('a');
  return made;
}

describe('when a run is due while one is unfinished', () => {
  test('skip: the new one is skipped and says which run is in the way', () => {
    const r = rig('skip');
    r.advance('2026-01-01T00:02:10Z');
    expect(r.runs('a')).toEqual(['skipped 00:02', 'running 00:01']);
    expect(r.reasons('a')).toEqual(['overlap: a.20260101T000100Z is still running']);
    expect(r.lines('a')).toEqual(['skipped 00:02']);
  });

  test('queue: one waits and starts when the other ends; a third is skipped', () => {
    const r = rig('queue');
    r.advance('2026-01-01T00:03:10Z');
    expect(r.runs('a')).toEqual(['skipped 00:03', 'running 00:01', 'waiting 00:02']);
    r.end('a');
    expect(r.runs('a')).toEqual(['skipped 00:03', 'succeeded 00:01', 'launching 00:02']);
  });

  test('queue-all: all wait and start one after the other in order', () => {
    const r = rig('queue-all');
    r.advance('2026-01-01T00:03:10Z');
    expect(r.runs('a')).toEqual(['running 00:01', 'waiting 00:02', 'waiting 00:03']);
    r.end('a');
    r.end('a');
    expect(r.runs('a')).toEqual(['succeeded 00:01', 'succeeded 00:02', 'launching 00:03']);
  });

  test('allow: both run', () => {
    const r = rig('allow');
    r.advance('2026-01-01T00:02:10Z');
    expect(r.runs('a')).toEqual(['running 00:01', 'launching 00:02']);
  });

  test('allow with concurrency: the third is queued and names the limit', () => {
    const r = rig('allow', { concurrency: 2 });
    r.advance('2026-01-01T00:03:10Z');
    expect(r.runs('a')).toEqual(['running 00:01', 'launching 00:02', 'queued 00:03']);
    expect(r.runOf('a', 2).reason).toBe('job a: all 2 places are taken');
    r.end('a');
    expect(r.runs('a')).toEqual(['succeeded 00:01', 'launching 00:02', 'launching 00:03']);
  });

  test('replace: the old one is ended and the new one starts once it has ended', () => {
    const r = rig('replace');
    r.advance('2026-01-01T00:02:10Z');
    expect(r.runs('a')).toEqual(['running 00:01', 'waiting 00:02']);
    expect(r.effects.filter((effect) => effect.kind === 'kill')).toHaveLength(1);
    r.end('a', 143);
    expect(r.runs('a')).toEqual(['killed 00:01', 'launching 00:02']);
    expect(r.reasons('a')).toEqual(['replaced by a.20260101T000200Z']);
  });

  test('replace: one that waits for a retry is ended at once', () => {
    const r = rig('replace', { retries: { limit: 1, delay: 'PT10M', jitter: false } });
    r.end('a', 1);
    expect(r.runs('a')).toEqual(['waiting 00:01']);
    r.advance('2026-01-01T00:02:10Z');
    expect(r.runs('a')).toEqual(['killed 00:01', 'launching 00:02']);
  });

  test('a run that waits for its retry is unfinished too', () => {
    const r = rig('skip', { retries: { limit: 1, delay: 'PT10M', jitter: false } });
    r.end('a', 1);
    r.advance('2026-01-01T00:02:10Z');
    expect(r.runs('a')).toEqual(['skipped 00:02', 'waiting 00:01']);
  });

  test.each(['skip', 'queue', 'queue-all', 'allow', 'replace'])(
    '%s: what was decided holds after a restart',
    (overlap) => {
      const r = rig(overlap);
      r.advance('2026-01-01T00:02:10Z');
      const before = r.runs('a').sort();
      r.restart();
      expect(r.runs('a').sort()).toEqual(before);
      r.inventory([{ launchName: r.runOf('a').attempts[0]?.launchName ?? '', state: 'ended', exitCode: 0 }]);
      expect(r.runs('a')).toContain(overlap === 'replace' ? 'killed 00:01' : 'succeeded 00:01');
      if (overlap.startsWith('queue')) expect(r.runs('a')).toContain('launching 00:02');
    },
  );

  test.each(['queue', 'queue-all'])('%s: no second run starts because another node took over', (overlap) => {
    const r = rig(overlap);
    r.advance('2026-01-01T00:02:10Z');
    r.restart();
    r.advance('2026-01-01T00:02:20Z');
    expect(r.runs('a').sort()).toEqual(['running 00:01', 'waiting 00:02']);
  });
});

describe('late due times that are all run (catchUp: all) wait for each other', () => {
  /** Away from 00:30 to 05:10, hourly. */
  function away(policy: object): Rig {
    const r = new Rig('2026-01-01T00:30:00Z');
    r.put({ name: 'a', schedule: { cron: '0 * * * *' }, policy: { catchUp: 'all', ...policy } });
    r.sleep('2026-01-01T05:10:00Z');
    return r;
  }
  const all = ['01:00', '02:00', '03:00', '04:00', '05:00'];
  const succeeded = (dues: readonly string[]): string[] => dues.map((due) => `succeeded ${due}`);

  test.each([[undefined], ['skip'], ['queue'], ['queue-all'], ['replace']])(
    'under overlap %s each runs, in order, one at a time, though the leader changes after each',
    (overlap) => {
      const r = away({ overlap });
      for (const [i, due] of all.entries()) {
        const under = r.runs('a').filter((run) => run.startsWith('launching'));
        expect(under).toEqual([`launching ${due}`]);
        expect(r.runOf('a', 1 < all.length - i ? 1 : 0).state).toBe(
          i === all.length - 1 ? 'launching' : 'waiting',
        );
        r.end('a');
        r.restart();
        r.inventory([]);
      }
      expect(r.runs('a')).toEqual(succeeded(all));
      expect(r.effects.filter(({ kind }) => kind === 'kill')).toEqual([]);
    },
  );

  test('under overlap allow they run at once', () => {
    expect(away({ overlap: 'allow' }).runs('a')).toEqual(all.map((due) => `launching ${due}`));
  });

  test('catchUpLimit bounds them: the older are missed', () => {
    const r = away({ catchUpLimit: 2 });
    expect(r.runs('a')).toEqual(['launching 04:00', 'waiting 05:00']);
    expect(r.lines('a')).toEqual(['missed 01:00 x3']);
  });

  test.each([['skip'], ['queue'], ['replace']])(
    'under overlap %s a due time that comes meanwhile waits at the end of the row',
    (overlap) => {
      const r = away({ overlap });
      r.advance('2026-01-01T06:00:10Z');
      expect(r.runs('a').at(-1)).toBe('waiting 06:00');
      expect(r.effects.filter(({ kind }) => kind === 'kill')).toEqual([]);
      for (let i = 0; i < 6; i++) r.end('a');
      expect(r.runs('a')).toEqual(succeeded([...all, '06:00']));
    },
  );

  test('no more than catchUpLimit wait; behind the row the overlap policy holds again', () => {
    const r = away({ catchUpLimit: 3 });
    r.advance('2026-01-01T08:00:10Z');
    expect(r.runs('a')).toEqual([
      'skipped 07:00',
      'skipped 08:00',
      'launching 03:00',
      'waiting 04:00',
      'waiting 05:00',
      'waiting 06:00',
    ]);
    for (let i = 0; i < 3; i++) r.end('a');
    r.advance('2026-01-01T09:00:10Z');
    expect(r.runs('a').filter((run) => run.endsWith('09:00'))).toEqual(['skipped 09:00']);
  });

  test('the first waits for a run from before, and replaces it where the policy says so', () => {
    for (const [overlap, kills] of [
      ['skip', 0],
      ['replace', 1],
    ] as const) {
      const r = new Rig('2026-01-01T00:30:00Z');
      r.put({ name: 'a', schedule: { cron: '0 * * * *' }, policy: { catchUp: 'all', overlap } });
      r.advance('2026-01-01T01:00:01Z');
      r.begin('a');
      r.sleep('2026-01-01T03:10:00Z');
      expect(r.runs('a')).toEqual(['running 01:00', 'waiting 02:00', 'waiting 03:00']);
      expect(r.effects.filter(({ kind }) => kind === 'kill')).toHaveLength(kills);
      for (let i = 0; i < 3; i++) r.end('a');
      expect(r.history).toHaveLength(3);
    }
  });

  test('the next waits until a failed one has had its retries', () => {
    const r = away({ retries: { limit: 1, delay: 'PT1M', jitter: false } });
    r.end('a', 1);
    expect(r.runs('a').slice(0, 2)).toEqual(['waiting 01:00', 'waiting 02:00']);
    r.advance(61_000);
    expect(r.runs('a').slice(0, 2)).toEqual(['launching 01:00', 'waiting 02:00']);
    r.end('a', 1);
    expect(r.runs('a').slice(0, 2)).toEqual(['failed 01:00', 'launching 02:00']);
  });

  test('one whose start window ends while it waits is missed, and the next one goes', () => {
    const r = away({ catchUp: 'none', startWithin: 'PT3H' });
    expect(r.runs('a')).toEqual(['launching 03:00', 'waiting 04:00', 'waiting 05:00']);
    r.advance('2026-01-01T07:10:00Z');
    for (let i = 0; i < 2; i++) r.end('a');
    expect(r.runs('a').slice(0, 3)).toEqual(['missed 04:00', 'succeeded 03:00', 'succeeded 05:00']);
  });
});
