/**
 * Finds the last match of a cron schedule before a time: next.ts read backwards. The instants of a stretch of
 * constant offset are the matching local times that its clock shows for the first time (with `overlap: first`),
 * and its start, if the change skipped matching times (with `gap: run-once`). Both files must agree on that.
 */

import { civilOf, DAY_MS, dayNumber, dayOf, monthOf, SECOND_MS, yearOf } from '../civil.ts';
import type { CronSchedule } from '../model.ts';
import { cover, segmentAt, tableAt } from '../zone.ts';
import { eraShiftBackMs, type ZoneTable } from '../zone-rules.ts';
import type { CronFields } from './cron.ts';
import { highestBit, matchingDays } from './days.ts';
import { isTreated, nextWall, SEARCH_YEARS } from './next.ts';

/** Strictly before `beforeMs`. Null if nothing matches within 50 years. */
export function previousCron(schedule: CronSchedule, beforeMs: number): number | null {
  const shiftMs = eraShiftBackMs(beforeMs, SEARCH_YEARS);
  const upToMs = (Math.ceil(beforeMs / SECOND_MS) - 1) * SECOND_MS;
  const found = previousInTable(schedule, tableAt(schedule.zone, beforeMs), upToMs - shiftMs);
  return found === null ? null : found + shiftMs;
}

/** The last match at or before `upToMs`, a whole second. */
function previousInTable(schedule: CronSchedule, table: ZoneTable, upToMs: number): number | null {
  const { fields } = schedule;
  let index = segmentAt(table, upToMs);
  let upTo = upToMs + table.offsets[index]!;
  const firstYear = yearOf(civilOf(Math.floor(upTo / DAY_MS))) - SEARCH_YEARS;
  let wall = previousWall(fields, upTo, firstYear);
  for (;;) {
    const { starts, offsets } = table;
    const instant = wall - offsets[index]!;
    if (index === 0 && instant < table.from && wall > -Infinity) {
      // The table grows at its beginning, which moves the stretches.
      const known = table.from;
      cover(table, instant);
      index = segmentAt(table, known);
      continue;
    }
    const first = firstWall(schedule, table, index);
    if (wall >= first) return instant;
    if (index === 0) return null;
    const start = starts[index]!;
    if (runsAfterGap(schedule, table, index)) return start;
    const ended = start + offsets[index - 1]! - SECOND_MS;
    // In the local time of the stretch before, there may be times between what was searched and its end.
    if (wall > ended || ended > upTo) wall = previousWall(fields, ended, firstYear);
    else if (wall === -Infinity) return null;
    upTo = ended;
    index -= 1;
  }
}

/** The first local time of a stretch whose matches are due times: after those that come for the second time. */
function firstWall(schedule: CronSchedule, { starts, offsets }: ZoneTable, index: number): number {
  if (index === 0) return -Infinity;
  const began = starts[index]! + offsets[index]!;
  const ended = starts[index]! + offsets[index - 1]!;
  return schedule.overlap === 'first' && isTreated(began - ended) ? Math.max(began, ended) : began;
}

/** The stretch begins after a gap that skipped matching times. */
function runsAfterGap(schedule: CronSchedule, table: ZoneTable, index: number): boolean {
  const { starts, offsets } = table;
  const began = starts[index]! + offsets[index]!;
  const ended = starts[index]! + offsets[index - 1]!;
  if (schedule.gap !== 'run-once' || began <= ended || !isTreated(began - ended)) return false;
  const from = Math.max(ended, firstWall(schedule, table, index - 1));
  return nextWall(schedule.fields, from, yearOf(civilOf(Math.floor(began / DAY_MS)))) < began;
}

/** The last matching local time at or before `upToMs` (a whole second). -Infinity before `firstYear`. */
function previousWall(fields: CronFields, upToMs: number, firstYear: number): number {
  const day = Math.floor(upToMs / DAY_MS);
  const civil = civilOf(day);
  let year = yearOf(civil);
  let month = monthOf(civil);
  const date = dayOf(civil);
  const upToDate = 0x7fffffff >>> (31 - date);
  let days = (fields.months >> month) & 1 ? matchingDays(fields, year, month) & upToDate : 0;
  if ((days >> (date - 1)) & 1) {
    const time = previousTime(fields, (upToMs - day * DAY_MS) / SECOND_MS);
    if (time >= 0) return day * DAY_MS + time * SECOND_MS;
    days &= upToDate >> 1;
  }
  while (days === 0) {
    const earlier = fields.months & ((1 << month) - 1);
    if (earlier === 0) {
      year -= 1;
      if (year < firstYear) return -Infinity;
    }
    month = highestBit(earlier === 0 ? fields.months : earlier);
    days = matchingDays(fields, year, month);
  }
  return dayNumber(year, month, highestBit(days) + 1) * DAY_MS + lastTime(fields) * SECOND_MS;
}

/** The last matching second of any day. */
const lastTime = (fields: CronFields): number => timeIn(fields, highestBit(fields.hours));

/** The last matching second of an hour. */
const timeIn = (fields: CronFields, hour: number): number =>
  hour * 3_600 +
  previousOfSixty(fields.minutesLow, fields.minutesHigh, 59) * 60 +
  previousOfSixty(fields.secondsLow, fields.secondsHigh, 59);

/** The last matching second of a day at or before `second`. -1 if there is none. */
function previousTime(fields: CronFields, second: number): number {
  const hour = Math.floor(second / 3_600);
  if ((fields.hours >> hour) & 1) {
    const minute = Math.floor(second / 60) % 60;
    if (previousOfSixty(fields.minutesLow, fields.minutesHigh, minute) === minute) {
      const found = previousOfSixty(fields.secondsLow, fields.secondsHigh, second % 60);
      if (found >= 0) return hour * 3_600 + minute * 60 + found;
    }
    const found = previousOfSixty(fields.minutesLow, fields.minutesHigh, minute - 1);
    if (found >= 0) {
      return hour * 3_600 + found * 60 + previousOfSixty(fields.secondsLow, fields.secondsHigh, 59);
    }
  }
  const earlier = fields.hours & ((1 << hour) - 1);
  return earlier === 0 ? -1 : timeIn(fields, highestBit(earlier));
}

/** The last value at or before `upTo` (-1 to 59) in a set of sixty. -1 if there is none. */
function previousOfSixty(low: number, high: number, upTo: number): number {
  if (upTo >= 30) {
    const rest = high & ((2 << (upTo - 30)) - 1);
    if (rest !== 0) return 30 + highestBit(rest);
    return highestBit(low);
  }
  return upTo < 0 ? -1 : highestBit(low & ((2 << upTo) - 1));
}
