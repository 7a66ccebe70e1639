/** What wall clocks show, asked of Intl instant by instant, and where they change. */

import type { Wall } from './cron-oracle.ts';

const formats = new Map<string, Intl.DateTimeFormat>();

/** The wall clock of a zone, as milliseconds as if it were UTC; whole minutes of the instant. */
export function wallMs(timezone: string, instantMs: number): number {
  let format = formats.get(timezone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(timezone, format);
  }
  const [month, day, year, hour, minute, second] = format.format(instantMs).match(/\d+/g)!.map(Number);
  return Date.UTC(year!, month! - 1, day!, hour!, minute!, second!) + (((instantMs % 1_000) + 1_000) % 1_000);
}

export function wallOf(ms: number): Wall {
  const date = new Date(ms);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}

/** A local time that may not exist or exist twice: the first of two, or moved on by the length of the gap. */
export function instantOf(timezone: string, wall: number): number {
  const offsets = [-86_400_000, 86_400_000].map((shift) => wallMs(timezone, wall + shift) - (wall + shift));
  const real = offsets.map((offset) => wall - offset).filter((instant) => wallMs(timezone, instant) === wall);
  return real.length > 0 ? Math.min(...real) : wall - offsets[0]!;
}

export interface Change {
  readonly timezone: string;
  /** The first instant on the new offset. */
  readonly instantMs: number;
}

/** The changes of a zone's offset in some years, found by looking at each hour of the days where noons differ. */
export function changesOf(timezone: string, fromYear: number, toYear: number): Change[] {
  const changes: Change[] = [];
  const offset = (instant: number) => wallMs(timezone, instant) - instant;
  const end = Date.UTC(toYear, 0, 1);
  for (let day = Date.UTC(fromYear, 0, 1); day < end; day += 86_400_000) {
    if (offset(day) === offset(day + 86_400_000)) continue;
    for (let minute = day; minute < day + 86_400_000; minute += 60_000) {
      if (offset(minute) !== offset(minute + 60_000)) changes.push({ timezone, instantMs: minute + 60_000 });
    }
  }
  return changes;
}
