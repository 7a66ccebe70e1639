import { expect, test } from 'vitest';
import { sleep, within } from '../../src/scheduler/waiting.ts';
import { SimClock } from '../support/sim-clock.ts';

/** Counts the timers that were set and neither fired nor were cancelled. */
class CountingClock extends SimClock {
  open = 0;

  override after(delayMs: number, callback: () => void): () => void {
    let isOpen = true;
    this.open++;
    const close = (): void => {
      if (isOpen) this.open--;
      isOpen = false;
    };
    const cancel = super.after(delayMs, () => {
      close();
      callback();
    });
    return () => {
      close();
      cancel();
    };
  }
}

test('a sleep ends after its time, or with its signal', async () => {
  const clock = new CountingClock(0);
  const stop = new AbortController();
  const ended: string[] = [];
  void sleep(clock, 20).then(() => ended.push('time'));
  void sleep(clock, 1_000, stop.signal).then(() => ended.push('signal'));
  await clock.advance(19);
  expect(ended).toEqual([]);
  await clock.advance(1);
  expect(ended).toEqual(['time']);
  stop.abort();
  await clock.settle();
  expect(ended).toEqual(['time', 'signal']);
  await sleep(clock, 1_000, stop.signal);
  expect(clock.open).toBe(0);
});

test('a promise within its time settles as it does, and leaves no timer', async () => {
  const clock = new CountingClock(0);
  expect(await within(clock, 10, Promise.resolve('done'))).toBe('done');
  await expect(within(clock, 10, Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(clock.open).toBe(0);
});

test('a promise that takes longer brings null, and may fail later', async () => {
  const clock = new CountingClock(0);
  let fail = (_: Error): void => {};
  const late = new Promise<string>((_, reject) => {
    fail = reject;
  });
  const result = within(clock, 10, late);
  await clock.advance(10);
  expect(await result).toBeNull();
  fail(new Error('too late'));
  await clock.settle();
});
