/** When the loop is woken: by what is due, by a clock that was set, and never by a timer that fired early. */

import { describe, expect, test } from 'vitest';
import { ClockSteps } from '../../../src/scheduler/runtime/clock-steps.ts';
import { Ticker } from '../../../src/scheduler/runtime/ticker.ts';
import { SimClock } from '../../support/sim-clock.ts';

const START = Date.parse('2026-01-01T00:00:00Z');

/** What is due at which second behind the start; `woken` has the seconds at which the loop was. */
function rig(...due: number[]) {
  /** Whether what comes can be decided ahead. */
  const ahead = { possible: false };
  const clock = new SimClock(START);
  const woken: number[] = [];
  /** What is to come, and when that was said. */
  const announced: [number, number][] = [];
  const logged: object[] = [];
  const timers = { set: 0 };
  const ticker = new Ticker({
    clock: {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs, callback) => {
        timers.set += 1;
        return clock.after(delayMs, callback);
      },
    },
    log: {
      debug() {},
      info() {},
      error() {},
      warn: (fields, event) => void logged.push({ ...fields, event }),
    },
    earliest: () => Math.min(...due.map((second) => START + second * 1_000)),
    onComing: (instant) => {
      announced.push([(instant - START) / 1_000, (clock.now() - START) / 1_000]);
      if (ahead.possible) due.splice(due.indexOf((instant - START) / 1_000), 1);
      ticker.rearm();
    },
    onDue: (now) => {
      woken.push((now - START) / 1_000);
      // As the decision does: what is due is taken, and the timetable may have changed.
      for (const second of due.filter((each) => START + each * 1_000 <= now))
        due.splice(due.indexOf(second), 1);
      ticker.rearm();
    },
  });
  return { clock, woken, announced, ahead, logged, timers, ticker, due };
}

describe('the ticker wakes the loop', () => {
  test('at each instant that has something due, and at no other', async () => {
    const { clock, woken, ticker } = rig(0, 0.25, 3, 7.5);
    ticker.start();
    await clock.advance(10_000);
    expect(woken).toEqual([0, 0.25, 3, 7.5]);
  });

  test('for something that came up while it slept, once it is told', async () => {
    const { clock, woken, ticker, due } = rig(0.9);
    ticker.start();
    await clock.advance(100);
    due.push(0.3);
    ticker.rearm();
    await clock.advance(2_000);
    expect(woken).toEqual([0.3, 0.9]);
  });

  test('within a second for something that came up of which it was not told', async () => {
    const { clock, woken, ticker, due } = rig();
    ticker.start();
    await clock.advance(100);
    due.push(0.3);
    await clock.advance(2_000);
    expect(woken).toEqual([1]);
  });

  test('within a second after the wall clock was set, though nothing is due', async () => {
    const { clock, woken, logged, ticker } = rig();
    ticker.start();
    await clock.advance(500);
    clock.step(-3_600_000);
    await clock.advance(3_000);
    expect(woken).toEqual([-3_599]);
    expect(logged).toEqual([{ stepMs: -3_600_000, event: 'clock.stepped' }]);
  });

  test('within a second for what the wall clock was set past', async () => {
    const { clock, woken, ticker } = rig(60);
    ticker.start();
    await clock.advance(500);
    clock.step(3_600_000);
    await clock.advance(600);
    expect(woken).toEqual([3_601]);
  });

  test('with one timer at a time, however often it is told', async () => {
    const { clock, woken, timers, ticker } = rig(0.5);
    ticker.start();
    for (let i = 0; i < 100; i++) ticker.rearm();
    expect(timers.set).toBe(1);
    await clock.advance(600);
    expect(woken).toEqual([0.5]);
  });

  test('never before it is started, nor after it is stopped', async () => {
    const { clock, woken, timers, ticker } = rig(0.5, 1.5);
    ticker.rearm();
    await clock.advance(600);
    expect({ woken, timers }).toEqual({ woken: [], timers: { set: 0 } });
    ticker.start();
    await clock.advance(0);
    ticker.stop();
    ticker.rearm();
    await clock.advance(5_000);
    expect(woken).toEqual([0.6]);
  });
});

describe('what comes is announced', () => {
  test('a moment before, and once, though it waits for its time', async () => {
    const { clock, woken, announced, ticker } = rig(0, 1, 1.01);
    ticker.start();
    await clock.advance(2_000);
    expect(announced).toEqual([
      [1, 0.98],
      [1.01, 1],
    ]);
    expect(woken).toEqual([0, 1, 1.01]);
  });

  test('each by itself; what is decided ahead wakes nobody when its time comes', async () => {
    const { clock, woken, announced, ahead, ticker } = rig(1, 1.005, 3);
    ahead.possible = true;
    ticker.start();
    await clock.advance(5_000);
    expect(announced).toEqual([
      [1, 0.98],
      [1.005, 0.985],
      [3, 2.98],
    ]);
    expect(woken).toEqual([]);
  });
});

describe('a wall clock', () => {
  test.each([
    ['that runs as time does was not set', 0, 0],
    ['that is two seconds off is being brought into step', 2_000, 0],
    ['that is two seconds behind is being brought into step', -2_000, 0],
    ['that is further off was set ahead', 2_001, 2_001],
    ['that is further behind was set back', -2_001, -2_001],
  ])('%s', async (_, byMs, takenMs) => {
    const clock = new SimClock(START);
    await clock.advance(1_000);
    const steps = new ClockSteps(clock);
    await clock.advance(5_000);
    clock.step(byMs);
    expect(steps.pendingMs).toBe(byMs);
    expect(steps.take()).toBe(takenMs);
    expect(steps.pendingMs).toBe(byMs - takenMs);
    expect(steps.take()).toBe(0);
  });

  test('that drifts was set once it has drifted far enough', () => {
    const clock = new SimClock(START);
    const steps = new ClockSteps(clock);
    const taken = Array.from({ length: 5 }, () => {
      clock.step(1_000);
      return steps.take();
    });
    expect(taken).toEqual([0, 0, 3_000, 0, 0]);
  });
});
