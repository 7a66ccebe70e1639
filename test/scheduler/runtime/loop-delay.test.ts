import { expect, test } from 'vitest';
import { LoopDelay } from '../../../src/scheduler/runtime/health/loop-delay.ts';
import { SimClock } from '../../support/sim-clock.ts';

test('the loop delay is how late a timer fires, ten times per second until it is stopped', async () => {
  const clock = new SimClock(0);
  const busy = { ms: 0 };
  const { monotonicMs } = clock;
  clock.monotonicMs = () => monotonicMs.call(clock) + busy.ms;
  const delay = new LoopDelay(clock);
  delay.start();
  await clock.advance(1_000);
  busy.ms = 300;
  await clock.advance(100);
  const { bounds, counts, sum } = delay.buckets();
  expect(counts.at(-1)).toBe(11);
  expect(counts[bounds.indexOf(0.25)]).toBe(10);
  expect(sum).toBeCloseTo(0.3, 1);
  delay.stop();
  await clock.advance(1_000);
  expect(delay.buckets().counts.at(-1)).toBe(11);
});
