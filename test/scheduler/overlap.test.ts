import { describe, expect, test } from 'vitest';
import { Rig } from '../support/rig.ts';

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
