/**
 * Parses cron expressions to bit sets. The dialect is that of Vixie cron as in cronie, with seconds, names,
 * wrapping ranges, L, W and #. H and macros have been expanded before (hash.ts, macro.ts).
 */

import { allAnswers, CarillonError } from '../../../errors.ts';
import type { Field, SpecialDay } from './field.ts';
import { fieldSpecs, parseField } from './field.ts';

/** Long enough to name every hour and minute; short enough to quote. */
export const MAX_CRON_LENGTH = 256;

/**
 * The days and times of an expression. Bit n of a set is the value n; days start at bit 0 for the 1st. Sixty
 * values are two sets of thirty, so that all of them are small integers.
 */
export interface CronFields {
  readonly secondsLow: number;
  readonly secondsHigh: number;
  readonly minutesLow: number;
  readonly minutesHigh: number;
  readonly hours: number;
  readonly days: number;
  readonly months: number;
  readonly weekdays: number;
  /** L, W and # items. Null if there are none. */
  readonly specialDays: readonly SpecialDay[] | null;
  readonly specialWeekdays: readonly SpecialDay[] | null;
  /** A day matches if either day field matches; otherwise both must match. */
  readonly eitherDay: boolean;
  /** The first matching time of a day, in seconds after midnight. */
  readonly firstTime: number;
  readonly firstMinute: number;
  readonly firstSecond: number;
}

export interface ParsedCron {
  readonly fields: CronFields;
  readonly text: string;
  /** The second, minute or hour starts with `*`: the schedule is continuous rather than at fixed times. */
  readonly wildcard: boolean;
  readonly warnings: readonly string[];
}

/** Splits an expression into six fields. Throws INVALID_SCHEDULE. */
export function splitCron(expression: string): string[] {
  const trimmed = expression.trim();
  if (expression.length > MAX_CRON_LENGTH) {
    throw cronError(
      expression,
      `has ${expression.length} characters`,
      `at most ${MAX_CRON_LENGTH} characters`,
    );
  }
  if (/^(?:CRON_)?TZ=/i.test(trimmed)) {
    throw cronError(
      trimmed,
      'begins with a time zone',
      'the expression alone, and the zone as `timezone` beside it',
    );
  }
  const words = trimmed === '' ? [] : trimmed.toUpperCase().split(/\s+/);
  if (words.length !== 5 && words.length !== 6) {
    const count = words.length === 1 ? '1 field' : `${words.length} fields`;
    throw cronError(
      trimmed,
      `has ${count}`,
      '5 fields (minute hour day-of-month month day-of-week), or 6 with seconds first',
    );
  }
  return words.length === 6 ? words : ['0', ...words];
}

/** Throws INVALID_SCHEDULE with a message that points at the field. */
export function parseCron(expression: string): ParsedCron {
  const parsed = allAnswers<Field[]>(
    ...splitCron(expression).map((text, index) => () => parseField(fieldSpecs[index]!, text)),
  );
  const [second, minute, hour, day, month, weekday] = parsed as [Field, Field, Field, Field, Field, Field];
  const texts = parsed.map((field) => field.text);
  const firstSecond = Math.min(...second.values);
  const firstMinute = Math.min(...minute.values);
  return {
    fields: {
      secondsLow: bits(second, 0, 30),
      secondsHigh: bits(second, 30, 60),
      minutesLow: bits(minute, 0, 30),
      minutesHigh: bits(minute, 30, 60),
      hours: bits(hour, 0, 24),
      days: bits(day, 1, 32),
      months: bits(month, 0, 13),
      weekdays: bits(weekday, 0, 7),
      specialDays: day.special.length === 0 ? null : day.special,
      specialWeekdays: weekday.special.length === 0 ? null : weekday.special,
      eitherDay: !day.star && !weekday.star,
      firstTime: Math.min(...hour.values) * 3_600 + firstMinute * 60 + firstSecond,
      firstMinute,
      firstSecond,
    },
    text: (second.text === '0' ? texts.slice(1) : texts).join(' '),
    wildcard: second.star || minute.star || hour.star,
    warnings: [...parsed.flatMap((field) => field.warnings), ...dayWarnings(day, weekday)],
  };
}

/** The values in [from, to) as a bit set that starts at `from`. */
function bits(field: Field, from: number, to: number): number {
  let set = 0;
  for (const value of field.values) if (value >= from && value < to) set |= 1 << (value - from);
  return set;
}

function dayWarnings(day: Field, weekday: Field): string[] {
  const stepped = (field: Field) => field.star && !field.all;
  if ((!stepped(day) || weekday.all) && (!stepped(weekday) || day.all)) return [];
  return [
    `day-of-month "${day.text}" and day-of-week "${weekday.text}" must both match, because one of them begins with *; ` +
      'some other schedulers run when either matches',
  ];
}

/** An error about the expression as a whole. */
export function cronError(expression: string, problem: string, allowed: string): CarillonError {
  const shown = expression.length <= 60 ? expression : `${expression.slice(0, 60)}…`;
  return new CarillonError(
    'INVALID_SCHEDULE',
    `The cron expression "${shown}" ${problem}. Allowed: ${allowed}.`,
    {
      field: 'schedule.cron',
      value: shown,
      allowed,
    },
  );
}

/** The error for a valid expression that matches no date. */
export function neverFires(text: string): CarillonError {
  const [day, month, weekday] = text.split(' ').slice(-3);
  const also = weekday === '*' ? '' : ` and day-of-week ${weekday}`;
  return new CarillonError(
    'SCHEDULE_NEVER_FIRES',
    `The cron expression "${text}" has no due time in 50 years: no month ${month} has day-of-month ` +
      `${day}${also}.`,
    { field: 'schedule.cron', value: text, allowed: 'an expression that matches some date' },
  );
}
