/** Stops in order, within a time limit. Whatever was committed is safe whenever the process ends. */

import type { Clock } from '../../scheduler/ports.ts';
import { within } from '../../scheduler/waiting.ts';

/**
 * Runs the steps in order. False if `timeoutMs` passed first: the current step continues, and no other
 * begins.
 */
export async function stopWithin(
  clock: Pick<Clock, 'after'>,
  timeoutMs: number,
  steps: readonly (() => Promise<void>)[],
): Promise<boolean> {
  let late = false;
  const inOrder = async (): Promise<void> => {
    for (const step of steps) if (!late) await step();
  };
  late = (await within(clock, timeoutMs, inOrder())) === null;
  return !late;
}
