/** When something about a run must be decided though nothing is heard of it, and what moves with a clock that is set. */

import { describe, expect, test } from 'vitest';
import type { Attempt, Run } from '../../../src/scheduler/model/model.ts';
import { KILL_SILENCE_MS, nextDeadline } from '../../../src/scheduler/state/deadline.ts';
import { Draft } from '../../../src/scheduler/state/decision.ts';
import { isCounted, moveInstants } from '../../../src/scheduler/state/durations.ts';
import { newTurn } from '../../../src/scheduler/state/turn.ts';
import { Rig } from '../../support/rig.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const seconds = (count: number): number => START + count * 1_000;
const kill = { at: seconds(20), by: 'ann', as: 'killed', reason: { code: 'job-deleted' } } as const;

/** A run of a job with a timeout of a minute and a grace of ten seconds, changed like this. */
function runWith(more: Partial<Run>, attempt: Partial<Attempt> | null = {}, policy: object = {}) {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'a', policy: { timeout: 'PT1M', killAfter: 'PT10S', overlap: 'allow', ...policy } });
  rig.trigger('a');
  const run = rig.runOf('a');
  if (attempt === null) run.attempts = [];
  else Object.assign(run.attempts[0] as object, attempt);
  Object.assign(run, more);
  return { rig, run };
}

const running = { state: 'running' } as const;

describe('the deadline of a run', () => {
  test.each<[string, Partial<Run>, Partial<Attempt> | null, number | null]>([
    ['is none while it is launched', { state: 'launching' }, {}, null],
    [
      'is its timeout from when the leader saw it start',
      running,
      { startedAt: seconds(3), seenAt: seconds(5) },
      65,
    ],
    ['is its timeout from its start, where that was not seen', running, { startedAt: seconds(3) }, 63],
    ['is its timeout from its attempt, where neither is known', running, { startedAt: null }, 60],
    ['is when it may go on', { state: 'waiting', notBefore: seconds(30) }, {}, 30],
    [
      'is the first millisecond behind its start window',
      { state: 'queued', startBy: seconds(40) },
      null,
      40.001,
    ],
    [
      'is none for its start window once it was launched',
      { state: 'queued', startBy: seconds(40) },
      {},
      null,
    ],
    [
      'is the grace and a minute from its kill, and no timeout any more',
      { ...running, kill },
      { startedAt: START },
      90,
    ],
    [
      'is the earliest of several',
      { state: 'waiting', notBefore: seconds(30), startBy: seconds(20) },
      null,
      20.001,
    ],
    [
      'is the earliest of them, whichever that is',
      { state: 'waiting', notBefore: seconds(30), startBy: seconds(35) },
      null,
      30,
    ],
    ['is none once it has ended', { state: 'failed', notBefore: seconds(30), kill }, {}, null],
  ])('%s', (_, more, attempt, expected) => {
    const { rig, run } = runWith(more, attempt);
    const deadline = nextDeadline(run, rig.state.entry('a'));
    expect(deadline === null ? null : (deadline - START) / 1_000).toBe(expected);
  });

  test('is no timeout of a job that has none, or is not known', () => {
    const { rig, run } = runWith(running, { startedAt: START }, { timeout: undefined });
    expect(nextDeadline(run, rig.state.entry('a'))).toBeNull();
    expect(nextDeadline(run, undefined)).toBeNull();
    expect(nextDeadline({ ...run, kill }, undefined)).toBe(kill.at + 10_000 + KILL_SILENCE_MS);
  });
});

describe('something of a run is counted from an instant', () => {
  test.each<[string, Partial<Run>, Partial<Attempt> | null, boolean]>([
    ['because of its attempts', {}, {}, true],
    ['because of its start window', { state: 'waiting', startBy: seconds(1) }, null, true],
    ['because of its kill', { state: 'waiting', kill }, null, true],
    ['because of the time that it waits for', { state: 'waiting', notBefore: seconds(1) }, null, true],
    ['not when it only waits for others', { state: 'waiting' }, null, false],
  ])('%s', (_, more, attempt, expected) => {
    const { rig, run } = runWith({ notBefore: null, startBy: null, kill: null, ...more }, attempt);
    expect(isCounted(run)).toBe(expected);
    const turn = newTurn(rig.state, new Draft(seconds(100)));
    moveInstants(turn, { leastMs: 5_000, mostMs: 5_000 });
    expect(turn.draft.done().groups.flat()).toHaveLength(1);
  });
});

describe('with the clock', () => {
  const moved = (more: Partial<Run>, attempt: Partial<Attempt> | null, byMs: number): Run => {
    const { rig, run } = runWith(more, attempt);
    moveInstants(newTurn(rig.state, new Draft(seconds(100))), { leastMs: byMs, mostMs: byMs });
    return run;
  };

  test.each([60_000, -60_000])('every time that something is counted from moves by %i ms', (byMs) => {
    const attempt = {
      createdAt: seconds(1),
      startedAt: seconds(2),
      seenAt: seconds(3),
      endedAt: seconds(4),
    };
    const run = moved({ startBy: seconds(5), notBefore: seconds(6), kill, reason: null }, attempt, byMs);
    expect(run.attempts).toMatchObject([
      {
        createdAt: attempt.createdAt + byMs,
        startedAt: attempt.startedAt + byMs,
        seenAt: attempt.seenAt + byMs,
        endedAt: attempt.endedAt + byMs,
      },
    ]);
    expect(run).toMatchObject({
      startBy: seconds(5) + byMs,
      notBefore: seconds(6) + byMs,
      kill: { ...kill, at: kill.at + byMs },
      reason: null,
      createdAt: START + byMs,
      due: START,
    });
  });

  test('nothing that is not known begins to be', () => {
    const run = moved(
      { startBy: null, notBefore: null, kill: null },
      { startedAt: null, endedAt: null },
      5_000,
    );
    expect(run).toMatchObject({ startBy: null, notBefore: null, kill: null });
    expect(run.attempts).toMatchObject([{ startedAt: null, endedAt: null }]);
    expect(run.attempts[0]?.seenAt).toBeUndefined();
  });

  test('the time in the reason of a retry moves as well', () => {
    const reason = { code: 'retry', attempt: 1, limit: 2, outcome: 'failed', because: null } as const;
    const run = moved(
      { state: 'waiting', notBefore: seconds(6), reason: { ...reason, at: seconds(6) } },
      {},
      60_000,
    );
    expect(run.reason).toEqual({ ...reason, at: seconds(66) });
  });
});
