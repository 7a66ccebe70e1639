/**
 * Parses ISO 8601 date-times and repeats: `Rn/start/period`, `Rn/start/end`, `Rn/period/end`, and
 * `Rn//period` with a start to be filled in. iso-next.ts computes the due times. Errors quote the part that
 * is wrong.
 */

import { CarillonError } from '../../errors.ts';
import {
  civilOf,
  DAY_MS,
  dayNumber,
  dayOf,
  MAX_INSTANT_MS,
  monthLength,
  monthOf,
  SECOND_MS,
  yearOf,
} from './civil.ts';
import { DURATION_ALLOWED, formatPeriod, type Period, readPeriod } from './period.ts';

/** A date-time as written: the local time, and its offset if given. */
export interface DateTime {
  /** The digits as if they were UTC. */
  readonly wallMs: number;
  /** `Z`, `+05:30`, or null. */
  readonly offset: string | null;
}

export interface Repeat {
  /** Number of runs. Infinity for a bare `R`. */
  readonly count: number;
  /** The anchor: the start, or the end if `fromEnd`. Null: the start was omitted. */
  readonly anchor: DateTime | null;
  readonly fromEnd: boolean;
  readonly period: Period;
  /** Written as start and end: the period is the exact time between the two, in the zone. */
  readonly end: DateTime | null;
}

const MAX_LENGTH = 256;
const REPEAT_ALLOWED = 'Rn/start/period, Rn/start/end, Rn/period/end or Rn//period; omit n for no limit';
const DATE_ALLOWED = 'an ISO 8601 date-time such as 2026-01-01T09:00:00Z or 2026-01-01T09:00:00';

const datePattern =
  /^(\d{4})(-?)(\d\d)\2(\d\d)(?:T(\d\d)(?:(:?)(\d\d)(?:\6(\d\d)(?:[.,](\d{1,9}))?)?)?)?(Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?$/;

const zeroPeriod: Period = { months: 0, days: 0, ms: 0 };

export const isZero = (period: Period): boolean =>
  period.months === 0 && period.days === 0 && period.ms === 0;

/** True if a date part moves with the local clock; false if the period is exact time. */
export const isCalendar = (period: Period): boolean => period.months !== 0 || period.days !== 0;

/** Throws INVALID_SCHEDULE naming `field`. Digits after milliseconds are cut. */
export function parseDateTime(text: string, field: string): DateTime {
  const match = datePattern.exec(text);
  if (match === null) {
    if (/^\+?\d{5,}-\d/.test(text)) throw tooLate(field, text);
    throw isoError(field, text, 'is not a date-time', DATE_ALLOWED);
  }
  const number = (group: number) => Number(match[group] ?? 0);
  const [year, month, day, hour, minute, second] = [1, 3, 4, 5, 7, 8].map(number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (second === 60) throw isoError(field, text, 'is a leap second, which is not supported', 'seconds 00-59');
  if (month < 1 || month > 12) throw isoError(field, text, `has month ${month}`, '01-12');
  const length = monthLength(year, month);
  if (day < 1 || day > length)
    throw isoError(field, text, `has day ${day}, which does not exist in its month`, `01-${length}`);
  const ms = Number((match[9] ?? '').slice(0, 3).padEnd(3, '0'));
  const midnight = hour === 24 && minute === 0 && second === 0 && ms === 0;
  if ((hour > 23 && !midnight) || minute > 59 || second > 59) {
    throw isoError(field, text, 'has an invalid time of day', '00:00:00-23:59:59');
  }
  const time = (hour * 3_600 + minute * 60 + second) * SECOND_MS + ms;
  const wallMs = dayNumber(year, month, day) * DAY_MS + time;
  // 24:00 of the very last day.
  if (wallMs > MAX_INSTANT_MS) throw tooLate(field, text);
  return { wallMs, offset: match[10] ?? null };
}

/** Later years need more than four digits, which neither schedules nor stored timestamps have. */
export const tooLate = (field: string, text: string): CarillonError =>
  isoError(field, text, 'is later than the year 9999', 'times up to 9999-12-31T23:59:59Z');

/** `2026-01-01T09:00:00`, with milliseconds if they are not zero, and the offset. */
export function formatDateTime(dateTime: DateTime): string {
  const day = Math.floor(dateTime.wallMs / DAY_MS);
  const civil = civilOf(day);
  const time = dateTime.wallMs - day * DAY_MS;
  const two = (value: number) => String(value).padStart(2, '0');
  const clock = [time / 3_600_000, (time / 60_000) % 60, (time / 1_000) % 60].map((part) =>
    two(Math.floor(part)),
  );
  const ms = time % SECOND_MS === 0 ? '' : `.${String(time % SECOND_MS).padStart(3, '0')}`;
  const date = `${String(yearOf(civil)).padStart(4, '0')}-${two(monthOf(civil))}-${two(dayOf(civil))}`;
  return `${date}T${clock.join(':')}${ms}${dateTime.offset ?? ''}`;
}

/** Throws INVALID_SCHEDULE. `field` is where the text was written. */
export function parseRepeat(text: string, field: string): Repeat {
  if (text.length > MAX_LENGTH) {
    throw isoError(field, text, `has ${text.length} characters`, `at most ${MAX_LENGTH} characters`);
  }
  const parts = text.split('/');
  const [repeats, first, second] = parts;
  if (parts.length !== 3 || repeats === undefined || first === undefined || second === undefined) {
    throw isoError(field, text, `has ${parts.length} parts between slashes instead of 3`, REPEAT_ALLOWED);
  }
  const count = parseCount(repeats, field);
  if (second === '') throw isoError(field, text, 'has nothing after its second slash', REPEAT_ALLOWED);
  if (first.startsWith('P')) {
    if (count === Infinity) {
      throw isoError(
        field,
        text,
        'is counted from its end, so it needs a number of runs',
        'Rn/period/end, such as R5/P1D/2026-01-31T00:00:00Z',
      );
    }
    const anchor = parseDateTime(second, field);
    return { count, anchor, fromEnd: true, period: parsePeriod(first, field, count), end: null };
  }
  const anchor = first === '' ? null : parseDateTime(first, field);
  if (anchor === null || !/^\d/.test(second)) {
    return { count, anchor, fromEnd: false, period: parsePeriod(second, field, count), end: null };
  }
  return { count, anchor, fromEnd: false, period: zeroPeriod, end: parseDateTime(second, field) };
}

/** The inverse of `parseRepeat`, if the end was converted to a period. */
export function formatRepeat(repeat: Repeat): string {
  const count = repeat.count === Infinity ? 'R' : `R${repeat.count}`;
  const anchor = repeat.anchor === null ? '' : formatDateTime(repeat.anchor);
  const period = formatPeriod(repeat.period);
  return repeat.fromEnd ? `${count}/${period}/${anchor}` : `${count}/${anchor}/${period}`;
}

function parseCount(text: string, field: string): number {
  if (text === 'R') return Infinity;
  const allowed = 'R, or R with the number of runs (R5), at most 2^53 - 1';
  if (!/^R\d+$/.test(text)) throw isoError(field, text, 'is not a number of runs', allowed);
  const count = Number(text.slice(1));
  if (!Number.isSafeInteger(count)) throw isoError(field, text, 'is too many runs', allowed);
  return count;
}

function parsePeriod(text: string, field: string, count: number): Period {
  // A single run has no interval: `R1//P` is how Chronos users write "once, now".
  if (count <= 1 && (text === 'P' || text === 'PT')) return zeroPeriod;
  const period = readPeriod(text);
  if (typeof period === 'string') throw isoError(field, text, period, DURATION_ALLOWED);
  if (count > 1 && isZero(period)) {
    throw isoError(
      field,
      text,
      'has length zero, so the runs would never end',
      `${DURATION_ALLOWED}; zero only with R1`,
    );
  }
  return period;
}

export function isoError(field: string, text: string, problem: string, allowed: string): CarillonError {
  const shown = text.length <= 80 ? text : `${text.slice(0, 80)}…`;
  return new CarillonError('INVALID_SCHEDULE', `${field}: "${shown}" ${problem}. Allowed: ${allowed}.`, {
    field,
    value: shown,
    allowed,
  });
}
