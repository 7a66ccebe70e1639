/** Instants and days in requests and answers. */

import { CarillonError } from '../../errors.ts';
import { parseDateTime } from '../../scheduler/schedule/iso.ts';
import { instantOfDateTime } from '../../scheduler/schedule/parse.ts';
import { apiLimits } from './limits.ts';

export const iso = (ms: number): string => new Date(ms).toISOString();
export const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));
export const dayOf = (ms: number): string => iso(ms).slice(0, 10);

export const dayMs = 86_400_000;

/** ISO 8601 years have four digits. */
const first = Date.parse('0000-01-01T00:00:00.000Z');
const last = Date.parse('9999-12-31T23:59:59.999Z');
/** Limits a computed timestamp to years that ISO 8601 can write. */
export const writable = (ms: number): number => Math.min(Math.max(ms, first), last);

const instantAllowed =
  'a timestamp such as 2026-11-21T02:00:00Z (UTC without an offset), or a day such as 2026-11-21';

/** Parses a timestamp, as in schedules, to epoch milliseconds. INVALID_FIELD. */
export function readInstant(text: string, field: string, source: string): number {
  const ms = instantOrNull(text);
  // An offset can move the year above 9999 or below 0.
  if (ms !== null && ms === writable(ms)) return ms;
  throw new CarillonError(
    'INVALID_FIELD',
    `${field} is ${JSON.stringify(text.slice(0, 80))}. Allowed: ${instantAllowed}.`,
    {
      field,
      value: text.slice(0, 80),
      allowed: instantAllowed,
      source,
    },
  );
}

function instantOrNull(text: string): number | null {
  try {
    return instantOfDateTime(parseDateTime(text, ''), null);
  } catch (error) {
    if (error instanceof CarillonError) return null;
    throw error;
  }
}

/** Parses a UTC day to the epoch milliseconds of its start. */
export function readDay(text: string, field: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (!Number.isNaN(ms) && dayOf(ms) === text) return ms;
  const allowed = 'a UTC day such as 2026-11-21';
  throw new CarillonError(
    'INVALID_FIELD',
    `${field} is ${JSON.stringify(text.slice(0, 80))}. Allowed: ${allowed}.`,
    {
      field,
      value: text.slice(0, 80),
      allowed,
      source: 'query',
    },
  );
}

/** Default number of days. */
const shownDays = 30;

/** Reads `from` and `to` of a query as UTC days, both included. Default: the last 30. INVALID_FIELD. */
export function readDays(
  asked: { readonly from?: string; readonly to?: string },
  now: number,
): { fromDay: string; toDay: string } {
  const to = asked.to === undefined ? readDay(dayOf(now), 'to') : readDay(asked.to, 'to');
  const back = asked.to === undefined ? shownDays : apiLimits.days;
  const from = asked.from === undefined ? to - (back - 1) * dayMs : readDay(asked.from, 'from');
  if (from > to) throw reversed({ from: dayOf(from), to: dayOf(to) });
  if ((to - from) / dayMs >= apiLimits.days) {
    throw new CarillonError(
      'INVALID_FIELD',
      `The range from ${dayOf(from)} to ${dayOf(to)} is longer than ${apiLimits.days} days.`,
      {
        field: 'from',
        value: dayOf(from),
        allowed: `at most ${apiLimits.days} days up to ${dayOf(to)}`,
        source: 'query',
      },
    );
  }
  return { fromDay: dayOf(from), toDay: dayOf(to) };
}

/** Reads the optional `from` and `to` of a query. INVALID_FIELD if from is later than to. */
export function readSpan(query: { readonly from?: string; readonly to?: string }): {
  fromMs?: number;
  toMs?: number;
} {
  const span = {
    ...(query.from !== undefined && { fromMs: readInstant(query.from, 'from', 'query') }),
    ...(query.to !== undefined && { toMs: readInstant(query.to, 'to', 'query') }),
  };
  if (span.fromMs !== undefined && span.toMs !== undefined && span.fromMs > span.toMs) throw reversed(query);
  return span;
}

export function reversed(query: { readonly from?: string; readonly to?: string }): CarillonError {
  return new CarillonError('INVALID_FIELD', `from (${query.from}) is later than to (${query.to}).`, {
    field: 'from',
    value: query.from,
    allowed: 'a time not later than to',
    source: 'query',
  });
}
