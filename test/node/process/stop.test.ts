/** A stop ends in time, whatever hangs. */

import { expect, test } from 'vitest';
import { stopWithin } from '../../../src/node/process/stop.ts';
import { SimClock } from '../../support/sim-clock.ts';

const hangs = (): Promise<void> => new Promise(() => undefined);

test('steps run in order, each once the one before is done', async () => {
  const clock = new SimClock(0);
  const done: string[] = [];
  const step = (name: string, ms: number) => async () => {
    await new Promise<void>((resolve) => clock.after(ms, resolve));
    done.push(name);
  };
  const stopped = stopWithin(clock, 1_000, [step('scheduler', 600), step('api', 300)]);
  await clock.advance(900);
  expect([await stopped, done]).toEqual([true, ['scheduler', 'api']]);
});

test.each([0, 1, 2])('a step that hangs at place %i is left when the time is over', async (place) => {
  const clock = new SimClock(0);
  const begun: number[] = [];
  const steps = [0, 1, 2].map((each) => async () => {
    begun.push(each);
    if (each === place) await hangs();
  });
  let inTime: boolean | null = null;
  const stopped = stopWithin(clock, 10_000, steps).then((answer) => {
    inTime = answer;
  });
  await clock.advance(9_999);
  expect(inTime).toBeNull();
  await clock.advance(1);
  await stopped;
  expect([inTime, begun]).toEqual([false, [0, 1, 2].slice(0, place + 1)]);
});

test('a step that ends too late begins no other', async () => {
  const clock = new SimClock(0);
  let closed = false;
  const slow = (): Promise<void> => new Promise((resolve) => clock.after(30_000, resolve));
  const stopped = stopWithin(clock, 10_000, [
    slow,
    async () => {
      closed = true;
    },
  ]);
  await clock.advance(40_000);
  expect([await stopped, closed]).toEqual([false, false]);
});

test('a step that fails fails the stop', async () => {
  const failing = stopWithin(new SimClock(0), 10_000, [() => Promise.reject(new Error('no'))]);
  await expect(failing).rejects.toThrow('no');
});
