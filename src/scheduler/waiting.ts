/** Waiting by the clock that is given: the only sleep, and the only time limit for a promise. */

import type { Clock, StopSignal } from './ports.ts';

type Timers = Pick<Clock, 'after'>;

/** Resolves after `delayMs`, or earlier with the signal. */
export function sleep(clock: Timers, delayMs: number, signal?: StopSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.after(delayMs, finish);
    signal?.addEventListener('abort', finish);
    if (signal?.aborted === true) finish();
  });
}

/**
 * Settles as the promise does; resolves with null if that takes longer than `timeoutMs`. The work behind the promise
 * continues then, and its result is dropped, a failure too.
 */
export async function within<T>(clock: Timers, timeoutMs: number, promise: Promise<T>): Promise<T | null> {
  let cancel = (): void => undefined;
  const late = new Promise<null>((resolve) => {
    cancel = clock.after(timeoutMs, () => resolve(null));
  });
  return Promise.race([promise, late]).finally(cancel);
}
