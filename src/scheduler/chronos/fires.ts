/**
 * When Chronos itself would run a job next, by the rule of its third generation: what is overdue runs at once
 * and stands for all that passed, and each run moves the start on by the period, from where it is then. For
 * the plan of a move only: drift and all, this is what people are used to.
 */

import { DAY_MS, MONTH_MS, SECOND_MS } from '../schedule/civil.ts';
import { parseDateTime, parseRepeat } from '../schedule/iso.ts';
import { addCalendar, type Period } from '../schedule/period.ts';
import { instantOfWall, offsetAt, type Zone, zoneOf } from '../schedule/zone.ts';
import { nativeRepeat } from './schedule.ts';

/** The next `most` runs; INVALID_SCHEDULE, UNKNOWN_TIMEZONE. */
export function chronosFires(
  { schedule, scheduleTimeZone }: { readonly schedule: string; readonly scheduleTimeZone: string },
  { now, most }: { readonly now: number; readonly most: number },
): number[] {
  const { every, timezone } = nativeRepeat(schedule, scheduleTimeZone, now);
  const [, startText = '', periodText = ''] = every.split('/');
  // As it was sent: `every` counts what had passed as well.
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

/** Behind the run by whole periods, a day of them being 86,400 seconds. */
function moved(start: number, period: Period, ranAt: number, zone: Zone): number {
  const length = period.months * MONTH_MS + period.days * DAY_MS + period.ms;
  if (length < SECOND_MS) return Number.POSITIVE_INFINITY;
  const k = Math.max(1, Math.floor((ranAt - start) / length) + 1);
  const wall = addCalendar(start + offsetAt(zone, start), period, k);
  return instantOfWall(zone, wall) + k * period.ms;
}
