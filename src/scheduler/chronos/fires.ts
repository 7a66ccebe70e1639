/**
 * When Chronos itself would run a job next, by the rule of its third generation: an overdue run starts at
 * once and stands for all missed ones, and each run moves the start by the period, counted from the current
 * start. Used only for the import preview, which shows what users are used to, including the drift.
 */

import { DAY_MS, MONTH_MS, SECOND_MS } from '../schedule/civil.ts';
import { parseDateTime, parseRepeat } from '../schedule/iso.ts';
import { addCalendar, type Period } from '../schedule/period.ts';
import { instantOfWall, offsetAt, type Zone, zoneOf } from '../schedule/zone.ts';
import { nativeRepeat } from './schedule.ts';

/** The next `most` runs. INVALID_SCHEDULE, UNKNOWN_TIMEZONE. */
export function chronosFires(
  { schedule, scheduleTimeZone }: { readonly schedule: string; readonly scheduleTimeZone: string },
  { now, most }: { readonly now: number; readonly most: number },
): number[] {
  const { every, timezone } = nativeRepeat(schedule, scheduleTimeZone, now);
  const [, startText = '', periodText = ''] = every.split('/');
  // As sent: `every` also counts due times that had passed.
  const { count } = parseRepeat(`${schedule.split('/', 1)[0]}/${startText}/${periodText}`, 'schedule');
  const { period } = parseRepeat(`R1/${startText}/${periodText}`, 'schedule');
  const written = parseDateTime(startText, 'schedule');
  const zone = zoneOf(timezone ?? written.offset ?? 'UTC');
  let start = instantOfWall(zone, written.wallMs);
  const fires: number[] = [];
  let at = now;
  for (let left = Math.min(count, most); left > 0; left--) {
    at = Math.max(at, start);
    fires.push(at);
    start = moved(start, period, at, zone);
  }
  return fires;
}

/** Moves the start past the run by whole periods; a day has 86,400 seconds. */
function moved(start: number, period: Period, ranAt: number, zone: Zone): number {
  const length = period.months * MONTH_MS + period.days * DAY_MS + period.ms;
  if (length < SECOND_MS) return Number.POSITIVE_INFINITY;
  const k = Math.max(1, Math.floor((ranAt - start) / length) + 1);
  const wall = addCalendar(start + offsetAt(zone, start), period, k);
  return instantOfWall(zone, wall) + k * period.ms;
}
