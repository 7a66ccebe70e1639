/**
 * The usual duration of a job, for lists and forecasts: decoded from its stored histograms once after each
 * ended run, and cached until the next one.
 */

import type { JobStats } from '../model/model.ts';
import { countOf, mergePacked, percentileOf } from './stats.ts';

/** With fewer successful attempts, the usual duration counts as unknown. */
export const USUAL_FROM = 10;

export interface RunTimes {
  /** Number of successful attempts; if it is 0, the others are null. */
  readonly count: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

const unknown: RunTimes = Object.freeze({ count: 0, p50Ms: null, p95Ms: null });

/**
 * Statistics are never changed in place: each ended run creates a new value, which replaces the cached one.
 */
const remembered = new WeakMap<JobStats, RunTimes>();

/** All-time. Null: a job that never ended a run. */
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
 * The remaining time of a run after `elapsedMs`: up to its median or its 95th percentile, whichever it has
 * not passed yet. Null if it has passed both, or nothing is known.
 */
export function remainingMs(
  { p50Ms, p95Ms }: RunTimes,
  elapsedMs: number,
): { p50: number; p95: number } | null {
  if (p50Ms === null || p95Ms === null || elapsedMs >= p95Ms) return null;
  const p95 = p95Ms - elapsedMs;
  return { p50: elapsedMs < p50Ms ? p50Ms - elapsedMs : p95, p95 };
}
