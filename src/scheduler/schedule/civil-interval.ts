/**
 * Intervals of the calendar: the minute, hour, day, week or month that contains an instant in a time zone. Each ends
 * where the next one begins, so an instant is in exactly one, whatever clocks do. A day with a change of clocks has 23
 * or 25 hours; minutes and hours are those of the clock on the wall, and end where it is changed.
 */

import { civilOf, DAY_MS, dayNumber, HOUR_MS, monthOf, weekdayOf, yearOf } from './civil.ts';
import { instantOfWall, offsetAt, steadyAround, type Zone } from './zone.ts';

export type Unit = 'minute' | 'hour' | 'day' | 'week' | 'month';

export interface Intervals {
  readonly unit: Unit;
  readonly zone: Zone;
  /** On which day weeks begin; 0 is Sunday. */
  readonly weekStart: number;
}

/** `to` is the start of the next one. */
export interface CivilInterval {
  readonly from: number;
  readonly to: number;
}

export function intervalAt(intervals: Intervals, instantMs: number): CivilInterval {
  const { unit, zone } = intervals;
  if (unit === 'minute') return onClock(60_000, zone, instantMs);
  if (unit === 'hour') return onClock(HOUR_MS, zone, instantMs);
  const midnight = (day: number): number => instantOfWall(zone, day * DAY_MS);
  let first = firstDay(intervals, Math.floor((instantMs + offsetAt(zone, instantMs)) / DAY_MS));
  for (;;) {
    const next = nextFirst(intervals, first);
    const to = midnight(next);
    if (instantMs < to) return { from: midnight(first), to };
    // A clock that is set back over midnight shows the end of the day before again. The new day has begun.
    first = next;
  }
}

function onClock(widthMs: number, zone: Zone, instantMs: number): CivilInterval {
  const offset = offsetAt(zone, instantMs);
  const steady = steadyAround(zone, instantMs);
  const from = Math.floor((instantMs + offset) / widthMs) * widthMs - offset;
  return { from: Math.max(from, steady.from), to: Math.min(from + widthMs, steady.to) };
}

function firstDay({ unit, weekStart }: Intervals, day: number): number {
  if (unit === 'week') return day - ((weekdayOf(day) - weekStart + 7) % 7);
  if (unit === 'day') return day;
  const civil = civilOf(day);
  return dayNumber(yearOf(civil), monthOf(civil), 1);
}

function nextFirst({ unit }: Intervals, first: number): number {
  if (unit === 'week') return first + 7;
  if (unit === 'day') return first + 1;
  const civil = civilOf(first);
  const month = monthOf(civil);
  return month === 12 ? dayNumber(yearOf(civil) + 1, 1, 1) : dayNumber(yearOf(civil), month + 1, 1);
}
