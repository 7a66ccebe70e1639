/** How long another node is waited for, by the clock that the app was given. */

import type { Clock } from '../../scheduler/ports.ts';

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
