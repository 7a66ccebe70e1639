/** What becomes of a run by what its engine reports of an attempt: each report, once and whole. */

import { describe, expect, test } from 'vitest';
import type { Observation } from '../../../src/scheduler/ports.ts';
import { allTime, emptyHistograms, summarise } from '../../../src/scheduler/stats/stats.ts';
import { inWords } from '../../support/in-words.ts';
import { Rig } from '../../support/rig.ts';

/** Distributes over each member, so that a report without its name is still one of the kinds. */
type Reported = Observation extends infer O
  ? O extends Observation
    ? Omit<O, 'launchName' | 'at'>
    : never
  : never;

/** A run that is launched; `report` is the engine's, of now, and answers how many runs it made the leader write. */
function launched(policy: object = {}) {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'a', policy: { retries: { limit: 1, delay: 'PT10S', jitter: false }, ...policy } });
  const { launchName = '' } = rig.trigger('a').attempts[0] ?? {};
  rig.now += 2_000;
  const written = (step: () => void): number => {
    let runs = 0;
    const { keep } = rig;
    rig.keep = (decision) => {
      runs += decision.groups.flat().filter(({ kind }) => kind.startsWith('run')).length;
      keep.call(rig, decision);
    };
    step();
    rig.keep = keep;
    return runs;
  };
  const report = (reported: Reported, name = launchName): number =>
    written(() =>
      rig.event({
        kind: 'observed',
        now: rig.now,
        observation: { launchName: name, at: rig.now, ...reported } as Observation,
      }),
    );
  const run = () => rig.history[0] ?? rig.runOf('a');
  return { rig, launchName, report, run };
}

const ended = (exitCode: number | null, more: object = {}): Reported => ({
  kind: 'ended',
  exitCode,
  ...more,
});

describe('an engine that reports', () => {
  test('what it waits for is heard while the run is launched, each reason once', () => {
    const { report, run } = launched();
    expect(report({ kind: 'preparing', detail: 'pulls busybox' })).toBe(1);
    expect(inWords(run())).toMatchObject({ state: 'launching', reason: 'pulls busybox' });
    expect(report({ kind: 'preparing', detail: 'pulls busybox' })).toBe(0);
    report({ kind: 'started' });
    expect(report({ kind: 'preparing', detail: 'pulls again' })).toBe(0);
    expect(inWords(run())).toMatchObject({ state: 'running', reason: null });
  });

  test('a start is heard once, with the image that it has', () => {
    const { report, run } = launched();
    expect(report({ kind: 'started', image: 'sha256:1' })).toBe(1);
    expect(report({ kind: 'started', image: 'sha256:2' })).toBe(0);
    expect(run().attempts).toMatchObject([{ image: 'sha256:1' }]);
  });

  test('a start without an image leaves none', () => {
    const { report, run } = launched();
    report({ kind: 'started' });
    expect(run().attempts[0]).not.toHaveProperty('image');
  });

  test('output that was dropped is heard where it is more than before', () => {
    const { report, run } = launched();
    report({ kind: 'started' });
    const dropped = [0, 5, 5, 4, 7].map((bytesDropped) => report({ kind: 'output-dropped', bytesDropped }));
    expect(dropped).toEqual([0, 1, 0, 0, 1]);
    expect(run().attempts).toMatchObject([{ bytesDropped: 7 }]);
  });

  test('output that was dropped by an attempt that is over is not heard', () => {
    const { report, run } = launched();
    report(ended(1));
    expect(report({ kind: 'output-dropped', bytesDropped: 5 })).toBe(0);
    expect(run().attempts[0]).not.toHaveProperty('bytesDropped');
  });

  test('an end is heard once', () => {
    const { report, run } = launched();
    report({ kind: 'started' });
    report(ended(1));
    expect(report(ended(0))).toBe(0);
    expect(run()).toMatchObject({ state: 'waiting', attempts: [{ exitCode: 1 }] });
  });

  test('of an attempt before the newest is not heard', () => {
    const { rig, launchName, report, run } = launched();
    report({ kind: 'started' });
    report(ended(1));
    rig.advance(10_000);
    expect(report(ended(0), launchName)).toBe(0);
    expect(run()).toMatchObject({ state: 'launching', attempts: [{ exitCode: 1 }, { exitCode: null }] });
  });

  test('of a launch that nobody knows is not heard', () => {
    expect(launched().report(ended(0), 'of-nobody')).toBe(0);
  });
});

describe('a run whose attempt', () => {
  const retries = { retries: { limit: 0 } };
  test.each<[string, Reported, string, string | null]>([
    ['ended with 0 succeeded', ended(0), 'succeeded', null],
    ['ended with another code failed', ended(3), 'failed', 'exit code 3'],
    ['ended with a reason failed for that', ended(3, { reason: 'out of memory' }), 'failed', 'out of memory'],
    ['ended with no code is lost', ended(null), 'lost', 'the engine does not know how it ended'],
    ['ended with no code and a reason is lost for that', ended(null, { reason: 'gone' }), 'lost', 'gone'],
    [
      'was ended by its engine is lost, whatever the code',
      ended(137, { infrastructure: true, reason: 'the engine restarted' }),
      'lost',
      'the engine restarted',
    ],
    [
      'was ended by its supervisor after its timeout has timed out, whatever the code',
      ended(0, { reason: 'no scheduler was there', cause: { code: 'timeout-enforced' } }),
      'timed-out',
      'no scheduler was there',
    ],
  ])('%s', (_, reported, state, reason) => {
    const { report, run } = launched(retries);
    report({ kind: 'started' });
    report(reported);
    expect(inWords(run())).toMatchObject({ state, reason });
    expect(inWords(run().attempts)).toMatchObject([{ reason }]);
  });

  test('ended with a cause has it as the code of the reason, and the text as the engine says it', () => {
    const { report, run } = launched(retries);
    report({ kind: 'started' });
    report(ended(null, { reason: 'node n1 is down', cause: { code: 'node-down', node: 'n1' } }));
    expect(run()).toMatchObject({ reason: { code: 'node-down', node: 'n1', text: 'node n1 is down' } });
  });

  test.each<[string, Reported, string]>([
    ['failed', ended(3), 'attempt 1 failed (exit code 3); retry 1 of 1 at 2026-01-01T00:00:12.000Z'],
    [
      'is lost',
      ended(null, { reason: 'gone' }),
      'attempt 1 lost (gone); retry 1 of 1 at 2026-01-01T00:00:12.000Z',
    ],
  ])('%s is tried again, and says when and why', (_, reported, reason) => {
    const { rig, report, run } = launched();
    report({ kind: 'started' });
    report(reported);
    expect(inWords(run())).toMatchObject({
      state: 'waiting',
      reason,
      notBefore: rig.now + 10_000,
      kill: null,
    });
  });

  test('succeeded or was killed is not tried again', () => {
    const { rig, report, run } = launched();
    report({ kind: 'started' });
    rig.submit({ kind: 'kill', runId: run().id, by: 'ann' });
    report(ended(143));
    expect(inWords(run())).toMatchObject({ state: 'killed', reason: 'killed by ann' });
    const other = launched();
    other.report(ended(0));
    expect(other.run().state).toBe('succeeded');
  });

  test('ended before its start was heard has the start that the engine tells', () => {
    const { rig, report, run } = launched(retries);
    report(ended(0, { startedAt: rig.now - 500 }));
    expect(run().attempts).toMatchObject([{ startedAt: rig.now - 500, endedAt: rig.now }]);
  });

  test('has started keeps its start, whatever its end says of it', () => {
    const { rig, report, run } = launched(retries);
    report({ kind: 'started' });
    const startedAt = rig.now;
    rig.now += 5_000;
    report(ended(0, { startedAt: rig.now - 500 }));
    expect(run().attempts).toMatchObject([{ startedAt }]);
  });

  test('was refused by its engine failed', () => {
    const { rig, launchName, run } = launched(retries);
    rig.event({ kind: 'refused', now: rig.now, launchName, reason: 'no such image' });
    expect(inWords(run())).toMatchObject({ state: 'failed', reason: 'no such image' });
    expect(run().attempts).toMatchObject([{ exitCode: 126, startedAt: null, endedAt: rig.now }]);
  });

  test('was put off because its engine is away is asked for again under its name, later each time', () => {
    const { rig, launchName, run } = launched();
    rig.effects.length = 0;
    for (let i = 0; i < 3; i++)
      rig.event({ kind: 'deferred', now: rig.now, launchName, reason: 'no engine' });
    expect(inWords(run())).toMatchObject({ state: 'launching', reason: 'no engine' });
    expect(rig.effects).toMatchObject(
      [1_000, 2_000, 4_000].map((delayMs) => ({ kind: 'launch', delayMs, spec: { launchName } })),
    );
    rig.begin('a');
    rig.effects.length = 0;
    rig.event({ kind: 'deferred', now: rig.now, launchName, reason: 'no engine' });
    expect(rig.effects).toEqual([]);
    expect(inWords(run())).toMatchObject({ state: 'running', reason: null });
  });
});

describe('what is counted of a run', () => {
  const counts = (rig: Rig): number[] => {
    const { stats } = rig.state.entry('a');
    const histograms = stats === null ? emptyHistograms : allTime(stats);
    return (['runTime', 'failedRunTime', 'startLateness', 'queueWait'] as const).map(
      (name) => summarise(histograms[name])?.count ?? 0,
    );
  };

  test('is its run time, by how it ended, and its lateness and wait with the first attempt alone', () => {
    const { rig, report } = launched();
    report({ kind: 'started' });
    report(ended(1));
    expect(counts(rig)).toEqual([0, 1, 1, 1]);
    rig.advance(10_000);
    rig.end('a');
    expect(counts(rig)).toEqual([1, 1, 1, 1]);
  });

  test('is what each attempt used, if its engine measures that', () => {
    const { rig, report } = launched();
    report({ kind: 'started' });
    report(ended(1, { usage: { cpuMs: 40, peakBytes: 1_000_000 } }));
    rig.advance(10_000);
    rig.end('a');
    const { cpuTime, peakMemory } = allTime(rig.state.entry('a').stats!);
    expect(summarise(cpuTime)).toMatchObject({ count: 1, p50: 40 });
    expect(summarise(peakMemory)?.p50).toBeCloseTo(1_000_000, -4);
  });

  test.each([
    ['in the last tenth of its time, counts', 91_000, 1],
    ['long before its end, does not count', 89_000, 0],
  ])('that was measured %s', (_, afterMs, count) => {
    const { rig, report } = launched();
    report({ kind: 'started' });
    const until = rig.now + afterMs;
    rig.advance(100_000);
    report(ended(0, { usage: { cpuMs: 40, until } }));
    expect(summarise(allTime(rig.state.entry('a').stats!).cpuTime)?.count ?? 0).toBe(count);
  });

  test('is without what its engine does not measure', () => {
    const { rig, report } = launched();
    report({ kind: 'started' });
    report(ended(0, { usage: { cpuMs: 40 } }));
    const { cpuTime, peakMemory } = allTime(rig.state.entry('a').stats!);
    expect([summarise(cpuTime)?.count, summarise(peakMemory)?.count ?? 0]).toEqual([1, 0]);
  });

  test('is nothing where it never started', () => {
    const { rig, report } = launched({ retries: { limit: 0 } });
    report(ended(126));
    expect(rig.state.entry('a').stats).toBeNull();
  });

  test('is the latency of starts that this leader asked for, not of those of a leader before', () => {
    const { rig, launchName, report } = launched();
    report({ kind: 'started' });
    expect(rig.state.startTimes.summary('process')?.count).toBe(1);
    const other = launched();
    other.rig.restart();
    other.rig.inventory([{ launchName: other.launchName, state: 'running', startedAt: other.rig.now }]);
    expect(other.rig.state.startTimes.summary('process')?.count ?? 0).toBe(0);
    expect(launchName).toBe(other.launchName);
  });
});

describe('a run that is reported from outside', () => {
  const awaited = () => {
    const all = launched({ completion: 'callback', retries: { limit: 0 } });
    all.report({ kind: 'started' });
    return all;
  };
  const complete = (rig: Rig, runId: string, succeeded: boolean): void =>
    void rig.submit({ kind: 'complete', runId, succeeded, by: 'ann' });

  test('waits after its command has ended, and says for what', () => {
    const { report, run } = awaited();
    report(ended(0));
    expect(inWords(run())).toMatchObject({
      state: 'running',
      reason: 'command exited with 0, waiting for POST /api/v1/runs/{id}/complete',
    });
  });

  test('whose start was not heard runs while it waits', () => {
    const { rig, report, run } = launched({ completion: 'callback' });
    report(ended(0, { startedAt: rig.now }));
    expect(run().state).toBe('running');
  });

  test('as failed, failed', () => {
    const { rig, report, run } = awaited();
    report(ended(0));
    complete(rig, run().id, false);
    expect(inWords(run())).toMatchObject({ state: 'failed', reason: 'reported as failed by ann' });
  });
});
