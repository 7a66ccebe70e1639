/**
 * ISO 8601 durations. A period has three parts that do not convert into each other: months and days move the
 * date on the local clock, milliseconds are exact time.
 */

import { CarillonError } from '../../errors.ts';
import { civilOf, DAY_MS, dayNumber, dayOf, monthLength, monthOf, SECOND_MS, yearOf } from './civil.ts';

export interface Period {
  readonly months: number;
  readonly days: number;
  readonly ms: number;
}

/** Longer than any schedule exists; keeps every sum of timestamps an exact integer. */
const MAX_YEARS = 10_000;
const MAX_PERIOD_MS = MAX_YEARS * 366 * DAY_MS;

export const DURATION_ALLOWED = 'an ISO 8601 duration such as PT5S, PT1H30M, P1D or P1M, or 90s, 1h30m';

const number = '(\\d+(?:[.,]\\d+)?)';
const pattern = new RegExp(
  `^P(?:${number}Y)?(?:${number}M)?(?:${number}W)?(?:${number}D)?` +
    `(?:T(?=\\d)(?:${number}H)?(?:${number}M)?(?:${number}S)?)?$`,
);
/** The parts with a fixed length, largest first: weeks, days, hours, minutes, seconds. */
const unitMs = [7 * DAY_MS, DAY_MS, 3_600_000, 60_000, SECOND_MS] as const;

/** The period, or a message why the text is invalid. Zero is valid. */
export function readPeriod(text: string): Period | string {
  if (/^-P|^P.*-/.test(text)) return 'is negative';
  if (text === 'P' || text === 'PT') return 'has length zero';
  const match = pattern.exec(text);
  if (match === null) return 'is not an ISO 8601 duration';
  const parts = match.slice(1);
  const broken = parts.findIndex((part) => part !== undefined && !/^\d+$/.test(part));
  if (broken >= 0 && parts.slice(broken + 1).some((part) => part !== undefined))
    return 'has a fraction before its last part';
  const [years, months, weeks, days, hours, minutes, seconds] = parts.map((part) =>
    Number(/^\d+/.exec(part ?? '0')![0]),
  );
  const fractionMs = broken < 0 ? 0 : exactFractionMs(parts[broken]!, broken);
  if (typeof fractionMs === 'string') return fractionMs;
  const period = {
    months: years! * 12 + months!,
    days: weeks! * 7 + days! + Math.floor(fractionMs / DAY_MS),
    ms: (hours! * 3_600 + minutes! * 60 + seconds!) * SECOND_MS + (fractionMs % DAY_MS),
  };
  const tooLong = period.months * 31 * DAY_MS + period.days * DAY_MS + period.ms > MAX_PERIOD_MS;
  return tooLong ? `is longer than ${MAX_YEARS} years` : period;
}

/**
 * The fraction of a part, with a day of 24 hours, or a message why it is not a whole number of milliseconds.
 */
function exactFractionMs(part: string, index: number): number | string {
  const digits = part.replace(/^\d+[.,]/, '').replace(/0+$/, '');
  if (digits === '') return 0;
  const length = unitMs[index - 2];
  if (length === undefined) return 'has a fraction of a year or month, whose length varies';
  const scaled = BigInt(digits) * BigInt(length);
  const scale = 10n ** BigInt(digits.length);
  return scaled % scale === 0n ? Number(scaled / scale) : 'is finer than a millisecond';
}

/** Parses a duration, ISO 8601 or `1h30m`. Returns a message if it is invalid. */
export function readDuration(text: string): Period | string {
  if (/^\d+(?:\.\d+)?$/.test(text)) return `has no unit: write ${text}s or PT${text}S`;
  const ms = shortDurationMs(text);
  return ms === null ? readPeriod(text) : { months: 0, days: 0, ms };
}

const letters: Readonly<Record<string, string>> = { second: 's', minute: 'm', hour: 'h' };
const daysOf: Readonly<Record<string, number>> = { day: 1, week: 7 };

/** How to write a duration in plain words: `5m` for `5 minutes`, `PT1H` for `pt1h`. Null if it is none. */
export function meantDuration(text: string): string | null {
  const written = text.trim();
  for (const form of [written, written.toUpperCase(), written.toLowerCase().replaceAll(/\s+/g, '')])
    if (typeof readDuration(form) !== 'string') return form;
  const [, count = '1', word = ''] =
    /^(?:(\d{1,9})\s*)?(s(?:ec(?:ond)?)?|min(?:ute)?|h(?:(?:ou)?r)?|d(?:ay)?|w(?:eek)?|month)s?$/i.exec(
      written,
    ) ?? [];
  const unit = Object.keys({ ...letters, ...daysOf, month: 1 }).find(
    (name) => word !== '' && sameUnit(name, word.toLowerCase()),
  );
  if (unit === undefined || Number(count) === 0) return null;
  if (letters[unit] !== undefined) return `${Number(count)}${letters[unit]}`;
  return unit === 'month' ? `P${Number(count)}M` : `P${Number(count) * (daysOf[unit] as number)}D`;
}

/** `hr` is an hour, `min` a minute. */
const sameUnit = (name: string, word: string): boolean =>
  name.startsWith(word) || (name === 'hour' && word === 'hr');

/** Throws INVALID_FIELD naming `field`. Zero is allowed. */
export function parseDuration(text: string, field: string): Period {
  const period = readDuration(text.trim());
  if (typeof period === 'string') throw durationError(text, field, period, DURATION_ALLOWED);
  return period;
}

/**
 * Exact milliseconds of a policy's duration, with a day of 24 hours. Throws INVALID_FIELD; months have no
 * fixed length.
 */
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
  const meant = meantDuration(text);
  const period = meant === null || meant === text.trim() ? null : readDuration(meant);
  const hint =
    period === null || typeof period === 'string'
      ? ''
      : `: write ${[...new Set([meant, formatPeriod(period)])].join(' or ')}`;
  return new CarillonError(
    'INVALID_FIELD',
    `${field}: the duration "${shown}" ${problem}${hint}. Allowed: ${allowed}.`,
    {
      field,
      value: shown,
      allowed,
    },
  );
}

/** Milliseconds of `1h30m`. Null if the text does not have that form. */
function shortDurationMs(text: string): number | null {
  if (!/^(?:\d+(?:\.\d+)?(?:h|ms|m|s))+$/.test(text)) return null;
  let total = 0;
  for (const match of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)) {
    total +=
      Number(match[1]) *
      (match[2] === 'h' ? 3_600_000 : match[2] === 'm' ? 60_000 : match[2] === 's' ? 1_000 : 1);
  }
  return total <= MAX_PERIOD_MS ? Math.round(total) : null;
}

/** Formats an exact duration as ISO 8601: `PT1H30M`, `PT0.5S`. */
export function formatDuration(ms: number): string {
  return formatPeriod({ months: 0, days: 0, ms });
}

/** Canonical form: years and months, days, hours, minutes, seconds; the inverse of `readPeriod`. */
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

/**
 * A local time plus k times the calendar part: months first (the day limited to the end of the month), then
 * days.
 */
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
