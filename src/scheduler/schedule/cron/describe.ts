/** Describes a cron expression, from its canonical text: first the time of day, then the days. */

import type { CronSchedule } from '../model.ts';
import { listed, monthNames, ordinal, weekdayNames } from '../words.ts';

/** Above this number, values are described by their pattern instead of listed. */
const MAX_FEW = 6;

/** Without the zone: `at 02:00 on Monday to Friday`. */
export function describeCron(schedule: CronSchedule): string {
  const texts = schedule.text.split(' ');
  const withSecond = texts.length === 5 ? ['0', ...texts] : texts;
  const [second, minute, hour, day, month, weekday] = withSecond.map((text, field) =>
    spelled(text, fieldSizes[field]!),
  ) as [string, string, string, string, string, string];
  const time = timesOfDay(second, minute, hour) ?? timePattern(second, minute, hour);
  const bothDays = [texts.at(-3)!, texts.at(-1)!].some((text) => text.startsWith('*'));
  const days = dayWords({ day, month, weekday, bothDays });
  return hour.startsWith('*') && days === 'every day' ? time : `${time} ${days}`;
}

/** The smallest value and the number of values: second, minute, hour, day, month, weekday. */
const fieldSizes = [
  [0, 60],
  [0, 60],
  [0, 24],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;

/** A list of all values reads as a wildcard, and an uneven step with few values as these values. */
function spelled(text: string, [min, size]: readonly [number, number]): string {
  const items = text.split(',');
  if (items.includes('*')) return '*';
  return items.map((item) => spelledStep(item, min, size)).join(',');
}

function spelledStep(item: string, min: number, size: number): string {
  const match = /^(?:\*|(\d+)-(\d+))\/(\d+)$/.exec(item);
  if (match === null) return item;
  const [from, to] = [Number(match[1] ?? min), Number(match[2] ?? min + size - 1)];
  const step = Number(match[3]);
  const count = Math.floor(((to - from + size) % size) / step) + 1;
  if (count === 1) return `${from}`;
  if (match[1] !== undefined || size % step === 0 || count > MAX_FEW) return item;
  return Array.from({ length: count }, (_, k) => from + k * step).join(',');
}

/** `at 02:00 and 14:30`. Null if there are too many, or a pattern is more readable. */
function timesOfDay(second: string, minute: string, hour: string): string | null {
  const [minutes, hours] = [few(minute, 60), few(hour, 24)];
  if (!/^\d+$/.test(second) || minutes === null || hours === null) return null;
  if (minutes.length * hours.length > MAX_FEW) return null;
  const suffix = second === '0' ? '' : `:${two(Number(second))}`;
  return `at ${listed(hours.flatMap((h) => minutes.map((m) => `${two(h)}:${two(m)}${suffix}`)))}`;
}

const two = (value: number) => String(value).padStart(2, '0');

function timePattern(second: string, minute: string, hour: string): string {
  const seconds = second === '0' ? '' : unitWords(second, 'second');
  // The minute is only mentioned if the seconds do not cover every minute.
  const minutes = minute === '*' && seconds.startsWith('every') ? '' : unitWords(minute, 'minute');
  const head = [seconds, minutes]
    .filter((part) => part !== '')
    .join(' of ')
    .replace(' of at ', ' of ');
  if (hour === '*') return head.startsWith('every') ? head : `${head} of every hour`;
  const step = stepOf(hour);
  if (step !== null) return `${head} of every ${ordinal(step)} hour`;
  const span = /^(\d+)-(\d+)$/.exec(hour);
  if (span !== null) return `${head} between ${two(Number(span[1]))}:00 and ${two(Number(span[2]))}:59`;
  return `${head} of ${/^\d+$/.test(hour) ? 'hour' : 'hours'} ${items(hour, 24)}`;
}

/** `every minute`, `every 5 minutes`, `at minute 30`, `at minutes 0, 15 and 30-40`. */
function unitWords(text: string, unit: string): string {
  if (text === '*') return `every ${unit}`;
  const step = stepOf(text);
  if (step !== null) return 60 % step === 0 ? `every ${step} ${unit}s` : `every ${ordinal(step)} ${unit}`;
  return `at ${unit}${/^\d+$/.test(text) ? '' : 's'} ${items(text, 60)}`;
}

/** The n of a field that is a plain step. */
function stepOf(text: string): number | null {
  const match = /^\*\/(\d+)$/.exec(text);
  return match === null ? null : Number(match[1]);
}

/** The values one by one if there are few, otherwise as written. */
function items(text: string, size: number): string {
  const values = few(text, size);
  if (values !== null) return listed(values.map(String));
  return listed(text.split(',').map((item) => item.replace(/^\*\/(\d+)$/, 'every $1').replace('/', ' by ')));
}

/**
 * The values of numbers and stepped ranges in ascending order. Null if there are many, or a star or plain
 * range.
 */
function few(text: string, size: number): number[] | null {
  const values = new Set<number>();
  for (const item of text.split(',')) {
    const match = /^(\d+)(?:-(\d+)\/(\d+))?$/.exec(item);
    if (match === null) return null;
    const from = Number(match[1]);
    const to = Number(match[2] ?? from);
    for (let value = from; value <= (to < from ? to + size : to); value += Number(match[3] ?? 1)) {
      values.add(value % size);
    }
  }
  return values.size > MAX_FEW ? null : [...values].sort((a, b) => a - b);
}

interface DayTexts {
  readonly day: string;
  readonly month: string;
  readonly weekday: string;
  /** A day must match both fields. */
  readonly bothDays: boolean;
}

function dayWords({ day, month, weekday, bothDays }: DayTexts): string {
  const months = month === '*' ? '' : listed(month.split(',').flatMap((item) => named(item, monthNames, 1)));
  const ofMonth = months === '' ? 'of every month' : `of ${months}`;
  const inMonth = months === '' ? '' : ` in ${months}`;
  const [anyDay, anyWeekday] = [day === '*', weekday === '*'];
  if (bothDays ? anyDay && anyWeekday : anyDay || anyWeekday) return `every day${inMonth}`;
  const days = anyDay ? '' : `on ${listed(day.split(',').map(dayItem))} ${ofMonth}`;
  if (anyWeekday) return days;
  const weekdays = listed(weekday.split(',').flatMap(weekdayItem));
  if (anyDay) return `on ${weekdays}${inMonth}`;
  return bothDays ? `${days} if that is ${weekdays}` : `${days} and on ${weekdays}${inMonth}`;
}

function dayItem(item: string): string {
  if (item === 'L') return 'the last day';
  if (item === 'LW') return 'the last workday';
  if (item.startsWith('L-')) {
    const before = Number(item.slice(2));
    return `the day ${before} ${before === 1 ? 'day' : 'days'} before the last`;
  }
  if (item.endsWith('W')) return `the workday nearest to the ${ordinal(Number(item.slice(0, -1)))}`;
  const step = stepOf(item);
  if (step !== null) return `every ${ordinal(step)} day`;
  const match = /^(\d+)(?:-(\d+))?(?:\/(\d+))?$/.exec(item)!;
  const from = `the ${ordinal(Number(match[1]))}`;
  if (match[2] === undefined) return from;
  const by = match[3] === undefined ? '' : ` by ${match[3]}`;
  return `${from} to ${ordinal(Number(match[2]))}${by}`;
}

function weekdayItem(item: string): readonly string[] {
  const name = (text: string) => weekdayNames[Number(text) % 7]!;
  if (item.endsWith('L')) return [`the last ${name(item.slice(0, -1))} of the month`];
  const nth = /^(\d)#(\d)$/.exec(item);
  if (nth !== null) return [`the ${ordinal(Number(nth[2]))} ${name(nth[1]!)} of the month`];
  return named(item, weekdayNames, 0);
}

/** A value, range or step of months or weekdays by name. */
function named(item: string, names: readonly string[], first: number): readonly string[] {
  const step = stepOf(item);
  if (step !== null) return names.filter((_, index) => index % step === 0);
  const match = /^(\d+)(?:-(\d+))?(?:\/(\d+))?$/.exec(item)!;
  const name = (text: string) => names[(Number(text) - first) % names.length]!;
  if (match[2] === undefined) return [name(match[1]!)];
  return [`${name(match[1]!)} to ${name(match[2])}${match[3] === undefined ? '' : ` by ${match[3]}`}`];
}
