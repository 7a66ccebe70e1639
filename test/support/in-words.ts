/** Values of the scheduler with their reasons as texts, for tests that compare what people read. */

import { type Reason, textOf } from '../../src/scheduler/model/reason.ts';

/** A reason becomes its text, also inside of others: `{ state: 'failed', reason: 'exit code 3' }`. */
export function inWords<T>(value: T): unknown {
  if (Array.isArray(value)) return value.map(inWords);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      key === 'reason' && each !== null && typeof each === 'object' ? textOf(each as Reason) : inWords(each),
    ]),
  );
}

export const wordsOf = (reason: Reason | null | undefined): string | null =>
  reason == null ? null : textOf(reason);
