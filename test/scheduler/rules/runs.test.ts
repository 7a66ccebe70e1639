import { describe, expect, test } from 'vitest';
import { KILL_SILENCE_MS } from '../../../src/scheduler/state/deadline.ts';
import { allTime, summarise } from '../../../src/scheduler/stats/stats.ts';
import { inWords } from '../../support/in-words.ts';
import { Rig, testSettings } from '../../support/rig.ts';

const daily = { cron: '0 2 * * *' };

function started(policy: object = {}, extra: object = {}): Rig {
  const r = new Rig('2026-01-01T01:59:00Z');
  r.put({ name: 'a', schedule: daily, policy, ...extra });
  r.advance('2026-01-01T02:00:00Z');
  r.begin('a');
  return r;
}

describe('the ledger line of a run says how it ended', () => {
  type Ending = (r: Rig) => void;
  const kill: Ending = (r) => {
    r.submit({ kind: 'kill', runId: r.runOf('a').id, by: 'ann' });
    r.end('a', null);
  };
  test.each<[string, object, Ending, object]>([
    ['succeeded', {}, (r) => r.end('a'), { end: 'ran', state: 'succeeded', reason: null }],
    ['failed', {}, (r) => r.end('a', 3), { end: 'ran', state: 'failed', reason: 'exit code 3' }],
    ['killed', {}, kill, { end: 'ran', state: 'killed', reason: 'killed by ann' }],
    [
      'timed out',
      { timeout: 'PT10S' },
      (r) => {
        r.advance(10_000);
        r.end('a', null);
      },
      { end: 'ran', state: 'timed-out', reason: 'ran longer than its timeout of PT10S' },
    ],
    ['lost', {}, (r) => r.inventory([]), { end: 'ran', state: 'lost' }],
    [
      'failed at first and succeeded at the second attempt',
      { retries: { limit: 1, delay: 'PT1S' } },
      (r) => {
        r.end('a', 1);
        r.advance(1_000);
        r.end('a');
      },
      { end: 'ran', state: 'succeeded', reason: null },
    ],
  ])('%s', (_, policy, ending, line) => {
    const r = started(policy);
    ending(r);
    expect(inWords([...r.ledger.values()])).toEqual([
      expect.objectContaining({ ...line, run: 'a.20260101T020000Z' }),
    ]);
  });

  test('and has no state where none ran', () => {
    const r = started();
    r.advance('2026-01-02T02:00:00Z');
    const [line] = [...r.ledger.values()];
    expect(line).toMatchObject({ end: 'skipped', run: 'a.20260102T020000Z' });
    expect(line).not.toHaveProperty('state');
  });
});

describe('retries', () => {
  test('wait longer each time, up to the longest, then the run fails with its last reason', () => {
    const r = started({ retries: { limit: 3, delay: 'PT10S', factor: 3, max: 'PT60S', jitter: false } });
    const waits: number[] = [];
    for (let i = 0; i < 3; i++) {
      r.end('a', 7);
      const run = r.runOf('a');
      expect(run.state).toBe('waiting');
      waits.push((run.notBefore ?? 0) - r.now);
      r.advance(waits.at(-1) ?? 0);
      expect(r.runOf('a').state).toBe('launching');
    }
    r.end('a', 7);
    expect(waits).toEqual([10_000, 30_000, 60_000]);
    expect(r.runs('a')).toEqual(['failed 02:00']);
    expect(r.reasons('a')).toEqual(['exit code 7']);
    expect(r.history[0]?.attempts.map((attempt) => attempt.exitCode)).toEqual([7, 7, 7, 7]);
    expect(new Set(r.history[0]?.attempts.map((attempt) => attempt.launchName)).size).toBe(4);
  });

  test('jitter spreads a delay over its upper half, the same on every node', () => {
    const delays = ['a', 'b', 'c', 'd'].map((name) => {
      const r = new Rig('2026-01-01T00:00:00Z');
      r.put({ name, policy: { retries: { limit: 1, delay: 'PT100S' } } });
      r.trigger(name);
      r.end(name, 1);
      return (r.runOf(name).notBefore ?? 0) - r.now;
    });
    for (const delay of delays) expect(delay).toBeGreaterThanOrEqual(50_000);
    for (const delay of delays) expect(delay).toBeLessThanOrEqual(100_000);
    expect(new Set(delays).size).toBe(4);
  });

  test('a success after a retry is a success', () => {
    const r = started({ retries: { limit: 1, delay: 'PT1S' } });
    r.end('a', 1);
    r.advance(1_000);
    r.end('a', 0);
    expect(r.runs('a')).toEqual(['succeeded 02:00']);
    expect(r.view('a').state).toMatchObject({ succeeded: 1, failed: 0, consecutiveFailures: 0 });
  });

  test('a waiting retry survives a restart', () => {
    const r = started({ retries: { limit: 1, delay: 'PT10S', jitter: false } });
    r.end('a', 1);
    r.restart();
    r.advance(10_000);
    expect(r.runOf('a').state).toBe('launching');
    expect(r.launches()).toEqual(['a.20260101T020000Z#2']);
  });
});

describe('timeouts and kills', () => {
  test('an attempt that runs too long is ended, and the run ends as timed-out', () => {
    const r = started({ timeout: 'PT1M', killAfter: 'PT5S' });
    r.advance(59_000);
    expect(r.effects.filter((effect) => effect.kind === 'kill')).toEqual([]);
    r.advance(1_000);
    expect(r.effects.findLast((effect) => effect.kind === 'kill')).toMatchObject({ graceMs: 5_000 });
    r.end('a', 143);
    expect(r.runs('a')).toEqual(['timed-out 02:00']);
    expect(r.reasons('a')).toEqual(['ran longer than its timeout of PT1M']);
  });

  test('a timed-out attempt is retried by policy', () => {
    const r = started({ timeout: 'PT1M', retries: { limit: 1, delay: 'PT1S' } });
    r.advance(60_000);
    r.end('a', 143);
    expect(r.runOf('a')).toMatchObject({ state: 'waiting', kill: null });
    r.advance(1_000);
    r.end('a', 0);
    expect(r.runs('a')).toEqual(['succeeded 02:00']);
  });

  test('a timeout is kept by the next leader too', () => {
    const r = started({ timeout: 'PT1M' });
    r.restart();
    r.advance(60_000);
    expect(r.effects.map((effect) => effect.kind)).toEqual(['kill']);
  });

  test('a kill is not retried, names who asked, and does not count as a failure of the job', () => {
    const r = started({ retries: { limit: 5 }, disableAfterFailures: 1 });
    r.submit({ kind: 'kill', runId: r.runOf('a').id, by: 'ann' });
    r.end('a', 143);
    expect(r.runs('a')).toEqual(['killed 02:00']);
    expect(r.reasons('a')).toEqual(['killed by ann']);
    expect(r.view('a').status).toBe('active');
  });

  test('a kill of a run that is being ended for its time is kept: it is not retried', () => {
    const r = started({ timeout: 'PT1M', retries: { limit: 5 } });
    r.advance(60_000);
    r.submit({ kind: 'kill', runId: r.runOf('a').id, by: 'ann' });
    r.end('a', 143);
    expect(r.runs('a')).toEqual(['killed 02:00']);
    expect(r.reasons('a')).toEqual(['killed by ann']);
  });

  test('a second kill changes nothing of the first', () => {
    const r = started();
    r.submit({ kind: 'kill', runId: r.runOf('a').id, by: 'ann' });
    r.submit({ kind: 'kill', runId: r.runOf('a').id, by: 'bob' });
    expect(r.effects.filter((effect) => effect.kind === 'kill')).toHaveLength(1);
    r.end('a', 143);
    expect(r.reasons('a')).toEqual(['killed by ann']);
  });

  test('an engine that never confirms a kill does not block the job for ever', () => {
    const r = started({ killAfter: 'PT5S' });
    r.submit({ kind: 'kill', runId: r.runOf('a').id, by: 'ann' });
    r.advance(5_000 + KILL_SILENCE_MS);
    expect(r.runs('a')).toEqual(['killed 02:00']);
    expect(r.reasons('a')).toEqual(['killed by ann; the engine did not confirm it']);
  });

  test('a run that ended cannot be killed', () => {
    const r = started();
    const { id } = r.runOf('a');
    r.end('a');
    expect(() => r.submit({ kind: 'kill', runId: id, by: 'ann' })).toThrow(
      expect.objectContaining({ code: 'RUN_ENDED' }),
    );
  });
});

describe('start windows', () => {
  test('a run that finds no place within its window is missed and says why', () => {
    const r = new Rig('2026-01-01T01:59:00Z');
    r.put({ name: 'x', policy: { pool: 'etl', overlap: 'allow' } });
    r.put({ name: 'a', schedule: daily, policy: { pool: 'etl', startWithin: 'PT10M' } });
    r.trigger('x');
    r.trigger('x');
    r.advance('2026-01-01T02:00:00Z');
    expect(inWords(r.runOf('a'))).toMatchObject({
      state: 'queued',
      reason: 'pool etl: all 2 slots are in use',
    });
    r.advance('2026-01-01T02:10:01Z');
    expect(r.runs('a')).toEqual(['missed 02:00']);
    expect(r.reasons('a')).toEqual(['the start window had passed: pool etl: all 2 slots are in use']);
    expect(r.lines('a')).toEqual(['missed 02:00']);
    r.end('x');
    expect(r.launches()).not.toContain('a.20260101T020000Z#1');
  });
});

describe('places', () => {
  test('are given by priority, then due instant, and nobody holds up others', () => {
    const r = new Rig('2026-01-01T00:00:00Z');
    r.put({ name: 'busy', policy: { pool: 'etl', overlap: 'allow' } });
    r.put({ name: 'low', policy: { pool: 'etl' } }, { name: 'high', policy: { pool: 'etl', priority: 5 } });
    r.put({ name: 'free' });
    r.trigger('busy');
    r.trigger('busy');
    r.trigger('low');
    r.trigger('high');
    expect(r.trigger('free').state).toBe('launching');
    r.end('busy');
    expect([r.runOf('high').state, r.runOf('low').state]).toEqual(['launching', 'queued']);
    r.end('busy');
    expect(r.runOf('low').state).toBe('launching');
  });

  test('taken before a restart stay taken after it', () => {
    const r = new Rig('2026-01-01T00:00:00Z');
    r.put({ name: 'a', policy: { pool: 'etl', overlap: 'allow' } });
    for (let i = 0; i < 3; i++) r.trigger('a');
    r.restart();
    expect(
      r
        .runs('a')
        .map((run) => run.split(' ')[0])
        .sort(),
    ).toEqual(['launching', 'launching', 'queued']);
    r.end('a');
    expect(r.launches()).toHaveLength(1);
  });
});

describe('disable after failures', () => {
  test('the job is disabled after so many failed runs in a row, and resume enables it', () => {
    const r = new Rig('2026-01-01T00:00:30Z');
    r.put({ name: 'a', schedule: { cron: '* * * * *' }, policy: { disableAfterFailures: 2 } });
    for (let i = 0; i < 2; i++) {
      r.advance(60_000);
      r.end('a', 1);
    }
    expect(r.view('a').status).toBe('disabled');
    r.advance(180_000);
    expect(r.runs('a')).toEqual(['failed 00:01', 'failed 00:02']);
    expect(r.lines('a').at(-1)).toBe('skipped 00:03 x3');
    r.submit({ kind: 'resume', name: 'a', by: 'ann' });
    r.advance(60_000);
    expect(r.runOf('a').state).toBe('launching');
  });
});

describe('an engine', () => {
  test('that refuses makes the run fail with the reason', () => {
    const r = started();
    r.put({ name: 'b' });
    r.trigger('b');
    const launchName = r.runOf('b').attempts[0]?.launchName ?? '';
    r.event({ kind: 'refused', now: r.now, launchName, reason: 'no such image' });
    expect(inWords(r.history.find((run) => run.job === 'b'))).toMatchObject({
      state: 'failed',
      reason: 'no such image',
    });
  });

  test('that is down is asked again for the same attempt, later each time, and the run is not lost', () => {
    const r = new Rig('2026-01-01T00:00:00Z');
    r.put({ name: 'a' });
    r.trigger('a');
    const launchName = r.runOf('a').attempts[0]?.launchName ?? '';
    for (let i = 0; i < 3; i++)
      r.event({ kind: 'deferred', now: r.now, launchName, reason: 'docker is down' });
    const asked = r.effects.flatMap((effect) => (effect.kind === 'launch' ? [effect] : []));
    expect(new Set(asked.map((launch) => launch.spec.launchName))).toEqual(new Set([launchName]));
    expect(asked.map((launch) => launch.delayMs ?? 0)).toEqual([0, 1_000, 2_000, 4_000]);
    expect(inWords(r.runOf('a'))).toMatchObject({ state: 'launching', reason: 'docker is down' });
  });

  test('that forgot a running attempt makes it lost, and the retry policy decides', () => {
    const r = started({ retries: { limit: 1, delay: 'PT1S' } });
    r.advance(1_000);
    r.inventory([], false);
    expect(r.runOf('a')).toMatchObject({ state: 'waiting' });
    expect(inWords(r.runOf('a').attempts[0])).toMatchObject({
      exitCode: null,
      reason: 'the engine process no longer knows it',
    });
  });

  test('is asked again by the next leader for what it never got', () => {
    const r = new Rig('2026-01-01T00:00:00Z');
    r.put({ name: 'a' });
    r.trigger('a');
    r.restart();
    expect(r.launches()).toEqual([]);
    r.inventory([]);
    expect(r.launches()).toHaveLength(1);
  });

  test('that runs it is adopted by the next leader, and one that ended tells its code', () => {
    const r = new Rig('2026-01-01T00:00:00Z');
    r.put({ name: 'a' }, { name: 'b' });
    r.trigger('a');
    r.trigger('b');
    const [a, b] = ['a', 'b'].map((name) => r.runOf(name).attempts[0]?.launchName ?? '');
    r.restart();
    r.inventory([
      { launchName: a ?? '', state: 'running', startedAt: r.now },
      { launchName: b ?? '', state: 'ended', startedAt: r.now, endedAt: r.now, exitCode: 3 },
    ]);
    expect(r.runOf('a').state).toBe('running');
    expect(r.reasons('b')).toEqual(['exit code 3']);
    expect(r.launches()).toEqual([]);
  });

  test('ends what belongs to no unfinished run and forgets ended launches after their grace', () => {
    const r = new Rig('2026-01-01T00:00:00Z');
    const did = (): string[] =>
      r.effects
        .splice(0)
        .map((effect) => `${effect.kind} ${'launchName' in effect ? effect.launchName : ''}`);
    r.inventory([
      { launchName: 'orphan', state: 'running' },
      { launchName: 'old', state: 'ended', endedAt: r.now },
    ]);
    expect(did()).toEqual(['kill orphan']);
    r.now += testSettings.engines.process?.tombstoneMs ?? 0;
    r.inventory([
      { launchName: 'old', state: 'ended', endedAt: r.now },
      { launchName: 'fresh', state: 'ended', endedAt: r.now - 1_000 },
    ]);
    expect(did()).toEqual(['remove old']);
  });
});

describe('statistics', () => {
  test('count run time, lateness and queue wait in the same decision as the ending, and survive a restart', () => {
    const r = new Rig('2026-01-01T01:59:00Z');
    r.put({ name: 'a', schedule: daily });
    r.advance('2026-01-01T02:00:00Z');
    r.now += 40;
    r.begin('a');
    r.now += 1_000;
    r.end('a');
    r.restart();
    const stats = r.view('a').stats;
    expect(stats).not.toBeNull();
    if (stats === null) return;
    const all = allTime(stats);
    expect(summarise(all.runTime)).toMatchObject({ count: 1 });
    expect(summarise(all.runTime)?.p50).toBeCloseTo(1_000, -1);
    expect(summarise(all.startLateness)).toMatchObject({ count: 1, p99: 40 });
    expect(summarise(all.queueWait)).toMatchObject({ count: 1, max: 40 });
    expect(summarise(all.failedRunTime)).toBeNull();
  });
});
