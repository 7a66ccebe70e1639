/**
 * ISO 8601 durations. A period has three parts that do not convert into each other: months and days move
 * the date on a wall clock, milliseconds are exact time.
 */

import { CarillonError } from '../../errors.ts';
import { civilOf, DAY_MS, dayNumber, dayOf, monthLength, monthOf, SECOND_MS, yearOf } from './civil.ts';

export interface Period {
  readonly months: number;
  readonly days: number;
  readonly ms: number;
}

/** Longer than any schedule lives; keeps every sum of instants an exact integer. */
const MAX_YEARS = 10_000;
const MAX_PERIOD_MS = MAX_YEARS * 366 * DAY_MS;

export const DURATION_ALLOWED = 'an ISO 8601 duration such as PT5S, PT1H30M, P1D or P1M';

const pattern =
  /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d+))?S)?)?$/;

/** The period, or in words why there is none. Zero is a period. */
export function readPeriod(text: string): Period | string {
  if (/^-P|^P.*-/.test(text)) return 'is negative';
  if (text === 'P' || text === 'PT') return 'has no length';
  const match = pattern.exec(text);
  if (match === null) {
    if (/[.,]\d+[YMWDH]/.test(text)) return 'has a fraction, which only seconds may have';
    return 'is not an ISO 8601 duration';
  }
  const [years, months, weeks, days, hours, minutes, seconds] = match
    .slice(1, 8)
    .map((part) => Number(part ?? 0));
  const fraction = match[8] ?? '';
  if (/[1-9]/.test(fraction.slice(3))) return 'is finer than a millisecond';
  const period = {
    months: years! * 12 + months!,
    days: weeks! * 7 + days!,
    ms: (hours! * 3_600 + minutes! * 60 + seconds!) * SECOND_MS + Number(fraction.slice(0, 3).padEnd(3, '0')),
  };
  const tooLong = period.months * 31 * DAY_MS + period.days * DAY_MS + period.ms > MAX_PERIOD_MS;
  return tooLong ? `is longer than ${MAX_YEARS} years` : period;
}

/** Throws INVALID_FIELD that names `field`. Zero is allowed. */
export function parseDuration(text: string, field: string): Period {
  const period = readPeriod(text.trim());
  if (typeof period === 'string') throw durationError(text, field, period, DURATION_ALLOWED);
  return period;
}

/** Exact milliseconds of a policy's duration, a day being 24 hours. Throws INVALID_FIELD; months have no length. */
export function durationMs(text: string, field: string): number {
  const period = parseDuration(text, field);
  if (period.months > 0) {
    throw durationError(
      text,
      field,
      'has years or months, whose length varies',
      'weeks, days, hours, minutes, seconds',
    );
  }
  return period.days * DAY_MS + period.ms;
}

function durationError(text: string, field: string, problem: string, allowed: string): CarillonError {
  const shown = text.length <= 60 ? text : `${text.slice(0, 60)}…`;
  return new CarillonError(
    'INVALID_FIELD',
    `${field}: the duration "${shown}" ${problem}. Allowed: ${allowed}.`,
    {
      field,
      value: shown,
      allowed,
    },
  );
}

/** Milliseconds of `1h30m`, Go's way of writing a duration; null if the text is none. */
export function goDurationMs(text: string): number | null {
  if (!/^(?:\d+(?:\.\d+)?(?:h|ms|m|s))+$/.test(text)) return null;
  let total = 0;
  for (const match of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)) {
    total +=
      Number(match[1]) *
      (match[2] === 'h' ? 3_600_000 : match[2] === 'm' ? 60_000 : match[2] === 's' ? 1_000 : 1);
  }
  return total <= MAX_PERIOD_MS ? Math.round(total) : null;
}

/** An exact duration as ISO 8601: `PT1H30M`, `PT0.5S`. */
export function formatDuration(ms: number): string {
  return formatPeriod({ months: 0, days: 0, ms });
}

/** Canonical: years and months, days, hours, minutes, seconds; the inverse of `readPeriod`. */
export function formatPeriod(period: Period): string {
  const part = (value: number, unit: string) => (value === 0 ? '' : `${value}${unit}`);
  const { ms } = period;
  const date =
    part(Math.floor(period.months / 12), 'Y') + part(period.months % 12, 'M') + part(period.days, 'D');
  const time =
    part(Math.floor(ms / 3_600_000), 'H') +
    part(Math.floor(ms / 60_000) % 60, 'M') +
    part((ms % 60_000) / 1_000, 'S');
  if (date === '' && time === '') return 'PT0S';
  return `P${date}${time === '' ? '' : `T${time}`}`;
}

/** A wall time plus k times the calendar part: months first (the day cut to the month's end), then days. */
export function addCalendar(wallMs: number, period: Period, k: number): number {
  const day = Math.floor(wallMs / DAY_MS);
  const timeOfDay = wallMs - day * DAY_MS;
  let moved = day;
  if (period.months !== 0) {
    const civil = civilOf(day);
    const months = yearOf(civil) * 12 + monthOf(civil) - 1 + k * period.months;
    const year = Math.floor(months / 12);
    const month = months - year * 12 + 1;
    moved = dayNumber(year, month, Math.min(dayOf(civil), monthLength(year, month)));
  }
  return (moved + k * period.days) * DAY_MS + timeOfDay;
}
