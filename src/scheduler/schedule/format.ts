/** Formats a schedule, for the parser and for people. */

import { dstDefaults } from './compile.ts';
import { describeCron } from './cron/describe.ts';
import { isZero, parseDateTime } from './iso.ts';
import { instantOf } from './iso-next.ts';
import {
  type AdjustedSchedule,
  type BasicInput,
  type BasicSchedule,
  type CalendarSchedule,
  type CronSchedule,
  type MemberInput,
  type MemberSchedule,
  openOf,
  type RepeatSchedule,
  type Schedule,
  type ScheduleInput,
} from './model.ts';
import { clockTime, everyPeriod } from './words.ts';
import { offsetAt } from './zone.ts';

/** The canonical input that compiles to an equal schedule: the inverse of `compileSchedule`. */
export function formatSchedule(schedule: Schedule): ScheduleInput {
  const open = openOf(schedule);
  return open.kind === 'any' ? { any: open.members.map(formatMember) } : formatMember(open);
}

function formatMember(schedule: MemberSchedule): MemberInput {
  return schedule.kind === 'adjusted'
    ? { ...formatBasic(schedule.basic), ...schedule.adjustment }
    : formatBasic(schedule);
}

function formatBasic(schedule: BasicSchedule): BasicInput {
  const { text, timezone } = schedule;
  const zone = timezone === null || (schedule.kind === 'cron' && timezone === 'UTC') ? {} : { timezone };
  switch (schedule.kind) {
    case 'cron':
      return { cron: text, ...zone, ...dstOf(schedule) };
    case 'every':
      return { every: text, ...zone };
    case 'at':
      return { at: text, ...zone };
  }
}

/** The DST policy, if it differs from the default of the expression. */
function dstOf(schedule: CronSchedule): { dst?: { gap: 'run-once' | 'skip'; overlap: 'first' | 'both' } } {
  const fields = schedule.text.split(' ');
  const times = fields.length === 6 ? fields.slice(0, 3) : fields.slice(0, 2);
  const usual = dstDefaults(times.some((field) => field.startsWith('*')));
  const { gap, overlap } = schedule;
  return usual.gap === gap && usual.overlap === overlap ? {} : { dst: { gap, overlap } };
}

/** One sentence without a full stop: `at 02:00 every day (Europe/Berlin)`, `every 5 seconds from …`. */
export function describeSchedule(schedule: Schedule): string {
  switch (schedule.kind) {
    case 'calendared':
      return `${describeSchedule(schedule.open)}${calendarWords(schedule)}`;
    case 'cron': {
      const words = describeCron(schedule);
      // A continuous schedule is the same in every zone.
      return /^every (second|minute|\d+ seconds|\d+ minutes)$/.test(words)
        ? words
        : `${words} (${schedule.timezone})`;
    }
    case 'every':
      return describeRepeat(schedule);
    case 'adjusted':
      return `${describeSchedule(schedule.basic)}${boundsOf(schedule)}`;
    case 'any':
      return schedule.members.map(describeSchedule).join('; ');
    case 'at':
      return `once at ${clockTime(Date.parse(`${schedule.text.slice(0, 19)}Z`))} (${schedule.timezone ?? offsetOf(schedule.text)})`;
  }
}

/** `, from 2026-01-01 00:00:00, until …`: local times of the schedule. */
function boundsOf({ adjustment: { start, end } }: AdjustedSchedule): string {
  const bound = (word: string, text: string | undefined) =>
    text === undefined ? '' : `, ${word} ${boundTime(text)}`;
  return `${bound('from', start)}${bound('until', end)}`;
}

function boundTime(text: string): string {
  const { wallMs, offset } = parseDateTime(text, 'schedule.start');
  return `${clockTime(wallMs)}${offset === null ? '' : ` (${offsetOf(text)})`}`;
}

function describeRepeat(schedule: RepeatSchedule): string {
  const { first, last, period } = schedule;
  const runs = last - first + 1;
  if (runs <= 0) return 'never: it has no runs';
  const shown = (k: number) => {
    const instant = instantOf(schedule, k);
    return clockTime(instant + offsetAt(schedule.zone, instant));
  };
  const zone = ` (${schedule.timezone ?? offsetOf(schedule.zone.id)})`;
  if (runs === 1 || isZero(period)) return `once at ${shown(last === Infinity ? first : last)}${zone}`;
  if (first < 0) return `${everyPeriod(period)}, ${runs} times, the last at ${shown(last)}${zone}`;
  const times = runs === Infinity ? '' : `, ${runs} times,`;
  return `${everyPeriod(period)}${times} from ${shown(first)}${zone}`;
}

/** `UTC` for Z, otherwise the offset at the end of a text. */
function offsetOf(text: string): string {
  return /[+-]\d\d(?::?\d\d)?$/.exec(text.slice(text.indexOf('T') + 1))?.[0] ?? 'UTC';
}

/** `, except bank-holidays, then on the next day`. */
function calendarWords({ calendar, isOnly, then }: CalendarSchedule): string {
  if (calendar === null) return '';
  const moved = then === 'skip' ? '' : `, then on the ${then} day`;
  return `, ${isOnly ? 'only in' : 'except in'} ${calendar.name}${moved}`;
}
