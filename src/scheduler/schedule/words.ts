/** English lists, ordinals and day names for descriptions of schedules. */

import { formatDateTime } from './iso.ts';
import type { Period } from './period.ts';

export const weekdayNames = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
] as const;
export const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;

/** `a`, `a and b`, `a, b and c`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** `1st`, `22nd`, `13th`. */
export function ordinal(value: number): string {
  const teen = Math.floor((value % 100) / 10) === 1;
  const suffix = teen ? 'th' : (['th', 'st', 'nd', 'rd'][value % 10] ?? 'th');
  return `${value}${suffix}`;
}

/** `every day`, `every 5 seconds`, `every 1 hour 30 minutes`. */
export function everyPeriod(period: Period): string {
  const { ms } = period;
  const parts: [number, string][] = [
    [Math.floor(period.months / 12), 'year'],
    [period.months % 12, 'month'],
    [period.days, 'day'],
    [Math.floor(ms / 3_600_000), 'hour'],
    [Math.floor(ms / 60_000) % 60, 'minute'],
    [(ms % 60_000) / 1_000, 'second'],
  ];
  const present = parts.filter(([value]) => value !== 0);
  const [value, unit] = present[0] ?? [0, 'second'];
  if (present.length === 1 && value === 1) return `every ${unit}`;
  return `every ${present.map(([count, name]) => `${count} ${name}${count === 1 ? '' : 's'}`).join(' ')}`;
}

/** `2026-01-01 09:00`; seconds only if they are not zero. */
export function clockTime(wallMs: number): string {
  const text = formatDateTime({ wallMs, offset: null }).replace('T', ' ');
  return text.endsWith(':00') ? text.slice(0, -3) : text;
}
