import { describe, expect, test } from 'vitest';
import { wordsOf } from '../../support/in-words.ts';
import { clockTime, Rig } from '../../support/rig.ts';

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
    expect(wordsOf(r.runOf('a', 2).reason)).toBe('job a: all 2 slots are in use');
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

  test.each([
    ['skip', 'each is skipped', ['skipped 06:00', 'skipped 07:00'], []],
    ['queue', 'one waits and the next is skipped', ['skipped 07:00'], ['06:00']],
    ['queue-all', 'all wait', [], ['06:00', '07:00']],
    ['replace', 'the newest waits, and replaces the one that waited', ['killed 06:00'], ['07:00']],
  ])('overlap %s holds for due times that come meanwhile: %s', (overlap, _, ended, behind) => {
    const r = away({ overlap });
    r.advance('2026-01-01T07:00:10Z');
    expect(r.runs('a').filter((run) => !/launching|waiting/.test(run))).toEqual(ended);
    expect(r.effects.filter(({ kind }) => kind === 'kill')).toEqual([]);
    r.restart();
    r.inventory([]);
    for (let i = all.length + behind.length; i > 0; i--) r.end('a');
    expect(r.runs('a')).toEqual([...ended, ...succeeded([...all, ...behind])]);
  });

  test.each([
    ['skip', 'skipped', all],
    ['queue', 'waiting', [...all, 'manual']],
    ['replace', 'waiting', [...all, 'manual']],
  ])('overlap %s holds for a run that is started by hand meanwhile: it is %s', (overlap, state, order) => {
    const r = away({ overlap });
    const manual = r.trigger('a');
    expect(manual.state).toBe(state);
    for (const _ of order) r.end('a');
    const ran = r.history.filter((run) => run.state === 'succeeded');
    expect(ran.map((run) => (run.id === manual.id ? 'manual' : clockTime(run.due)))).toEqual(order);
  });

  test('a job whose runs take as long as its period gets rid of them, and is on time again', () => {
    const r = new Rig('2026-01-01T00:00:00Z');
    r.put({
      name: 'a',
      schedule: { every: 'R/2026-01-01T00:00:00Z/PT2S' },
      policy: { catchUp: 'all', overlap: 'skip' },
    });
    r.advance(0);
    r.end('a');
    r.sleep('2026-01-01T00:02:01Z');
    expect(r.state.entry('a').runs).toHaveLength(60);
    for (let i = 0; i < 60; i++) {
      r.advance(2_000);
      r.end('a');
    }
    r.advance(2_000);
    expect(r.runs('a').at(-1)).toBe('launching 00:04:02');
    expect(r.history.filter(({ state }) => state === 'skipped')).toHaveLength(60);
  });

  test('a due time that is on time when the others are found passed while nobody looked too: it is one of them', () => {
    const r = new Rig('2026-01-01T00:30:00Z');
    r.put({ name: 'a', schedule: { cron: '0 * * * *' }, policy: { catchUp: 'all', overlap: 'skip' } });
    r.sleep('2026-01-01T03:00:01Z');
    expect(r.runs('a')).toEqual(['launching 01:00', 'waiting 02:00', 'waiting 03:00']);
  });

  test('no more than catchUpLimit of them wait, those of an earlier absence counted; the older are missed', () => {
    const r = away({ catchUpLimit: 3 });
    expect(r.runs('a')).toEqual(['launching 03:00', 'waiting 04:00', 'waiting 05:00']);
    r.sleep('2026-01-01T08:10:00Z');
    expect(r.runs('a').slice(2)).toEqual(['waiting 05:00', 'waiting 08:00']);
    r.sleep('2026-01-01T10:10:00Z');
    expect(r.state.entry('a').runs).toHaveLength(4);
    expect(r.lines('a')).toEqual(['missed 01:00 x2', 'missed 06:00 x2', 'missed 09:00 x2']);
    for (let i = 0; i < 4; i++) r.end('a');
    r.sleep('2026-01-01T13:10:00Z');
    expect(r.state.entry('a').runs).toHaveLength(3);
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
    const late = r.runs('a').filter((run) => !run.startsWith('skipped'));
    expect(late).toEqual(['missed 04:00', 'succeeded 03:00', 'succeeded 05:00']);
  });
});
