/** Waiting by the clock that the app was given, always with a bound. */

import type { Clock } from '../../scheduler/ports.ts';

export const pause = (clock: Clock, delayMs: number): Promise<void> =>
  new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });

/** Waits for what was begun, and at most `timeoutMs`; fails if it failed by then. */
export async function settledWithin(clock: Clock, begun: Promise<unknown>, timeoutMs: number): Promise<void> {
  // Failing later is seen by whoever reads on.
  begun.catch(() => {});
  let cancel = () => {};
  const timeout = new Promise<void>((resolve) => {
    cancel = clock.after(timeoutMs, resolve);
  });
  await Promise.race([begun, timeout]).finally(cancel);
}

/** A signal that fires after `timeoutMs`, or with another one; `release` it when neither matters any more. */
export function deadline(
  clock: Clock,
  timeoutMs: number,
  also?: AbortSignal,
): { readonly signal: AbortSignal; release(): void } {
  const control = new AbortController();
  const cancel = clock.after(timeoutMs, () => control.abort());
  return {
    signal: also === undefined ? control.signal : AbortSignal.any([control.signal, also]),
    release: cancel,
  };
}
