/** Durations that jobs and routes are written with, and when an open alert is reported again. */

import { durationMs } from '../schedule/period.ts';
import type { Findings } from './schema/explain.ts';

/** More often would only fill the outbox. */
const LEAST_REPEAT_MS = 60_000;

/** In milliseconds. Null: there is none, or a problem was added. */
export function checkDuration(
  text: string | undefined,
  field: string,
  leastMs: number,
  findings: Findings,
): number | null {
  if (text === undefined) return null;
  const length = findings.attempt(() => durationMs(text, field));
  if (length === null || length >= leastMs) return length;
  const allowed = allowedFrom(leastMs);
  findings.add('INVALID_FIELD', `${field} is ${text}. Allowed: ${allowed}.`, { field, value: text, allowed });
  return null;
}

function allowedFrom(leastMs: number): string {
  if (leastMs === 0) return 'a duration that is not negative';
  return leastMs < 1_000
    ? 'a duration longer than zero'
    : `a duration of at least ${leastMs / 1_000} seconds`;
}

/** An alert that nobody has acknowledged for this long is reported to more receivers. */
export interface Escalation {
  /** Since the first message. */
  readonly afterMs: number;
  readonly to: readonly string[];
}

export interface Reminders {
  /** How often an open alert that nobody acknowledged is repeated. Null: never. */
  readonly repeatMs: number | null;
  readonly escalate: readonly Escalation[];
}

interface Written {
  readonly repeatEvery?: string | undefined;
  readonly escalate?: readonly { readonly after: string; readonly to: readonly string[] }[] | undefined;
}

/** When an open alert is reported again, in a job or a route. Problems are added to the findings. */
export function remindersOf(
  { repeatEvery, escalate = [] }: Written,
  at: string,
  findings: Findings,
): Reminders {
  const afterMs = (after: string, i: number) =>
    checkDuration(after, `${at}.escalate[${i}].after`, 1, findings);
  return {
    repeatMs: checkDuration(repeatEvery, `${at}.repeatEvery`, LEAST_REPEAT_MS, findings),
    escalate: escalate.map(({ after, to }, i) => ({ afterMs: afterMs(after, i) ?? 0, to })),
  };
}
