/** The days of a month that a cron expression matches, as a bit set: bit 0 is the 1st. */

import { dayNumber, monthLength, weekdayOf } from '../civil.ts';
import type { CronFields } from './cron.ts';
import type { SpecialDay } from './field.ts';

/** The days of a month that match both day fields, or either. */
export function matchingDays(fields: CronFields, year: number, month: number): number {
  const length = monthLength(year, month);
  const within = 0x7fffffff >>> (31 - length);
  const firstWeekday = weekdayOf(dayNumber(year, month, 1));
  let days = fields.days;
  // Bit j of a week that starts on the weekday of the 1st, then that week five times.
  const week = ((fields.weekdays >> firstWeekday) | (fields.weekdays << (7 - firstWeekday))) & 127;
  let weekdays = week | (week << 7) | (week << 14) | (week << 21) | (week << 28);
  if (fields.specialDays !== null) {
    for (const special of fields.specialDays) days |= specialBit(special, length, firstWeekday);
  }
  if (fields.specialWeekdays !== null) {
    for (const special of fields.specialWeekdays) weekdays |= specialBit(special, length, firstWeekday);
  }
  return (fields.eitherDay ? days | weekdays : days & weekdays) & within;
}

function specialBit(special: SpecialDay, length: number, firstWeekday: number): number {
  const date = specialDate(special, length, firstWeekday);
  return date >= 1 && date <= length ? 1 << (date - 1) : 0;
}

/** The date of a special day in a month; outside 1-length if the month has none. */
function specialDate(special: SpecialDay, length: number, firstWeekday: number): number {
  switch (special.kind) {
    case 'last':
      return length - special.n;
    case 'last-workday':
      return nearestWorkday(length, length, firstWeekday);
    case 'nearest-weekday':
      return special.n > length ? 0 : nearestWorkday(special.n, length, firstWeekday);
    case 'last-weekday-of':
      return length - ((firstWeekday + length - 1 - special.n + 7) % 7);
    case 'nth':
      return 1 + ((special.n - firstWeekday + 7) % 7) + (special.nth - 1) * 7;
  }
}

/** The weekday from Monday to Friday closest to a date, within the month. */
function nearestWorkday(date: number, length: number, firstWeekday: number): number {
  const weekday = (firstWeekday + date - 1) % 7;
  if (weekday === 6) return date === 1 ? 3 : date - 1;
  if (weekday === 0) return date === length ? date - 2 : date + 1;
  return date;
}

export function lowestBit(set: number): number {
  return 31 - Math.clz32(set & -set);
}

export function highestBit(set: number): number {
  return 31 - Math.clz32(set);
}
