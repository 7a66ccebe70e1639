/**
 * How long a job usually runs, for lists and forecasts: read from its stored histograms once after each ending
 * and remembered until the next one.
 */

import type { JobStats } from '../model/model.ts';
import { countOf, mergePacked, percentileOf } from './stats.ts';

export interface RunTimes {
  /** How many successful attempts it is known from; the others are null where there are none. */
  readonly count: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

const unknown: RunTimes = Object.freeze({ count: 0, p50Ms: null, p95Ms: null });

/** Statistics are never changed in place: with each ending there is a new value, and this forgets the old one. */
const remembered = new WeakMap<JobStats, RunTimes>();

/** Of all time; null stands for a job that never ended. */
export function runTimes(stats: JobStats | null): RunTimes {
  if (stats === null) return unknown;
  let known = remembered.get(stats);
  if (known === undefined) {
    known = read(stats);
    remembered.set(stats, known);
  }
  return known;
}

function read({ before, today }: JobStats): RunTimes {
  const packed =
    before.runTime === '' || today.runTime === ''
      ? before.runTime + today.runTime
      : mergePacked([before.runTime, today.runTime]);
  return { count: countOf(packed), p50Ms: percentileOf(packed, 50), p95Ms: percentileOf(packed, 95) };
}

/**
 * How much longer a run takes that has run for `elapsedMs`: up to the first of its usual and its long run time
 * that it has not passed yet; null when it has passed both, or when nothing is known.
 */
export function remainingMs(
  { p50Ms, p95Ms }: RunTimes,
  elapsedMs: number,
): { p50: number; p95: number } | null {
  if (p50Ms === null || p95Ms === null || elapsedMs >= p95Ms) return null;
  const p95 = p95Ms - elapsedMs;
  return { p50: elapsedMs < p50Ms ? p50Ms - elapsedMs : p95, p95 };
}
