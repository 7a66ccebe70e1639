/**
 * Finds the next match of a cron schedule, with integers only. First the calendar: the next local time whose
 * fields match. Then the zone: which timestamp that is, with the rule of cronie if clocks change by up to
 * three hours (fixed times are neither skipped nor repeated; wildcards follow the clock).
 */

import { civilOf, DAY_MS, dayNumber, dayOf, HOUR_MS, monthOf, SECOND_MS, yearOf } from '../civil.ts';
import type { CronSchedule } from '../model.ts';
import { cover, segmentAt, tableAt } from '../zone.ts';
import type { ZoneTable } from '../zone-rules.ts';
import { eraShiftMs } from '../zone-rules.ts';
import type { CronFields } from './cron.ts';
import { lowestBit, matchingDays } from './days.ts';

/**
 * A larger change moves the date, as when a zone crosses the date line: nobody regards its times as skipped
 * or repeated.
 */
const MAX_SHIFT_MS = 3 * HOUR_MS;

/** Every possible date occurs within 40 years; one that does not occur within 50 never does. */
export const SEARCH_YEARS = 50;

/** True for a clock change to which the rules for gaps and overlaps apply. */
export function isTreated(shiftMs: number): boolean {
  return Math.abs(shiftMs) <= MAX_SHIFT_MS;
}

/** Strictly after `afterMs`. Null if nothing matches within 50 years. */
export function nextCron(schedule: CronSchedule, afterMs: number): number | null {
  // Weekdays and months repeat with the zone's rules, so the whole search can be moved.
  const shiftMs = eraShiftMs(afterMs);
  const found = nextInTable(schedule, tableAt(schedule.zone, afterMs), afterMs - shiftMs);
  return found === null ? null : found + shiftMs;
}

function nextInTable(schedule: CronSchedule, table: ZoneTable, afterMs: number): number | null {
  const { fields } = schedule;
  const firstOnly = schedule.overlap === 'first';
  let index = segmentAt(table, afterMs);
  const { starts, offsets } = table;
  let from = (Math.floor(afterMs / SECOND_MS) + 1) * SECOND_MS + offsets[index]!;
  if (firstOnly && index > 0) {
    // The second pass of an overlap ends at the clock reading at which it was set back.
    if (isTreated(offsets[index]! - offsets[index - 1]!))
      from = Math.max(from, starts[index]! + offsets[index - 1]!);
  }
  const lastYear = yearOf(civilOf(Math.floor(from / DAY_MS))) + SEARCH_YEARS;
  let wall = nextWall(fields, from, lastYear);
  while (wall !== Infinity) {
    const instant = wall - offsets[index]!;
    cover(table, instant);
    if (index + 1 === starts.length || instant < starts[index + 1]!) return instant;
    index += 1;
    const start = starts[index]!;
    const ended = start + offsets[index - 1]!;
    const began = start + offsets[index]!;
    const treated = isTreated(began - ended);
    if (wall < began && treated && schedule.gap === 'run-once') return start;
    const resume = treated && firstOnly ? Math.max(began, ended) : began;
    if (resume < from || wall < resume) wall = nextWall(fields, resume, lastYear);
    from = resume;
  }
  return null;
}

/** The first matching local time at or after `fromMs` (a whole second). Infinity after `lastYear`. */
export function nextWall(fields: CronFields, fromMs: number, lastYear: number): number {
  const day = Math.floor(fromMs / DAY_MS);
  const civil = civilOf(day);
  let year = yearOf(civil);
  let month = monthOf(civil);
  const date = dayOf(civil);
  let days = (fields.months >> month) & 1 ? matchingDays(fields, year, month) & (-1 << (date - 1)) : 0;
  if ((days >> (date - 1)) & 1) {
    const time = nextTime(fields, (fromMs - day * DAY_MS) / SECOND_MS);
    if (time >= 0) return day * DAY_MS + time * SECOND_MS;
    days &= -2 << (date - 1);
  }
  while (days === 0) {
    const later = fields.months & (-2 << month);
    if (later === 0) {
      year += 1;
      if (year > lastYear) return Infinity;
    }
    month = lowestBit(later === 0 ? fields.months : later);
    days = matchingDays(fields, year, month);
  }
  return dayNumber(year, month, lowestBit(days) + 1) * DAY_MS + fields.firstTime * SECOND_MS;
}

/** The first matching second of a day at or after `second`. -1 if there is none. */
function nextTime(fields: CronFields, second: number): number {
  const hour = Math.floor(second / 3_600);
  if ((fields.hours >> hour) & 1) {
    const minute = Math.floor(second / 60) % 60;
    if (nextOfSixty(fields.minutesLow, fields.minutesHigh, minute) === minute) {
      const found = nextOfSixty(fields.secondsLow, fields.secondsHigh, second % 60);
      if (found >= 0) return hour * 3_600 + minute * 60 + found;
    }
    const found = nextOfSixty(fields.minutesLow, fields.minutesHigh, minute + 1);
    if (found >= 0) return hour * 3_600 + found * 60 + fields.firstSecond;
  }
  const later = fields.hours & (-2 << hour);
  if (later === 0) return -1;
  return lowestBit(later) * 3_600 + fields.firstMinute * 60 + fields.firstSecond;
}

/** The first value at or after `from` (0-60) in a set of sixty. -1 if there is none. */
function nextOfSixty(low: number, high: number, from: number): number {
  if (from < 30) {
    const rest = low & (-1 << from);
    if (rest !== 0) return lowestBit(rest);
    return high === 0 ? -1 : 30 + lowestBit(high);
  }
  const rest = high & (-1 << (from - 30));
  return rest === 0 ? -1 : 30 + lowestBit(rest);
}
