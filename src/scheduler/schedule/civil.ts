/**
 * The proleptic Gregorian calendar on integers: day numbers count from 1970-01-01, months and days from 1.
 * Nothing here knows time zones. A civil date is packed into one integer, so that the search for the next due
 * time allocates nothing.
 */

export const SECOND_MS = 1_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
/** Mean length of a Gregorian month, for estimates. */
export const MONTH_MS = 2_629_746_000;

/** The last time with a four-digit year; schedules end there. */
export const MAX_INSTANT_MS = 253_402_300_799_999;

/** The first time with a four-digit year; no cron schedule has an earlier due time. */
export const MIN_INSTANT_MS = -62_167_219_200_000;

const monthLengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export function monthLength(year: number, month: number): number {
  if (month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)) return 29;
  return monthLengths[month - 1]!;
}

/** Day number of a civil date. A `day` after the end of the month continues into the next month. */
export function dayNumber(year: number, month: number, day: number): number {
  // Years start in March, so that a leap day is the last day of its year.
  const shifted = month > 2 ? year : year - 1;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** Civil date of a day number, packed: read it with `yearOf`, `monthOf`, `dayOf`. */
export function civilOf(day: number): number {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return year * 512 + month * 32 + dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
}

export const yearOf = (civil: number): number => Math.floor(civil / 512);
export const monthOf = (civil: number): number => (civil >> 5) & 15;
export const dayOf = (civil: number): number => civil & 31;

/** 0 is Sunday. */
export function weekdayOf(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}
