/**
 * The due times of a repeat: anchor + k * period. Each is computed from the anchor and never from the
 * previous one, so that the end of a month or a skipped hour moves one due time and not all that follow.
 */

import { DAY_MS, MONTH_MS } from './civil.ts';
import { isCalendar } from './iso.ts';
import type { RepeatSchedule } from './model.ts';
import { addCalendar } from './period.ts';
import { instantOfWall } from './zone.ts';

/** Strictly after `afterMs`. Null if there is none. */
export function nextRepeat(schedule: RepeatSchedule, afterMs: number): number | null {
  const k = indexAfter(schedule, afterMs);
  return k > schedule.last ? null : instantOf(schedule, k);
}

/** Strictly before `beforeMs`. Null if there is none. */
export function previousRepeat(schedule: RepeatSchedule, beforeMs: number): number | null {
  const k = indexAfter(schedule, Math.ceil(beforeMs) - 1) - 1;
  return k < schedule.first || k > schedule.last ? null : instantOf(schedule, k);
}

/** The due time with index k. */
export function instantOf(schedule: RepeatSchedule, k: number): number {
  const { period } = schedule;
  if (!isCalendar(period)) return schedule.anchorMs + k * period.ms;
  return instantOfWall(schedule.zone, addCalendar(schedule.anchorWallMs, period, k)) + k * period.ms;
}

/** The smallest k, at least `first`, whose due time is after `afterMs`; it may exceed `last`. */
export function indexAfter(schedule: RepeatSchedule, afterMs: number): number {
  const { period, first, last, anchorMs } = schedule;
  const length = period.months * MONTH_MS + period.days * DAY_MS + period.ms;
  if (length === 0) return anchorMs > afterMs ? first : last + 1;
  // Exact for exact periods; an estimate for calendar periods, corrected below.
  let k = Math.floor((afterMs - anchorMs) / length) + 1;
  if (k < first) k = first;
  else if (k > last) k = last + 1;
  if (!isCalendar(period)) return k;
  // Due times never decrease as k grows, so the first one that is late enough can be found from either side.
  while (k > first && instantOf(schedule, k - 1) > afterMs) k -= 1;
  while (k <= last && instantOf(schedule, k) <= afterMs) k += 1;
  return k;
}
