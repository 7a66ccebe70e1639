/**
 * Calendars as windows of local time. An instant is covered when a clock in the calendar's zone shows a time in one of the
 * windows: what a clock change skips covers nothing, and what it repeats is covered both times.
 */

import { DAY_MS } from '../civil.ts';
import { offsetAt, segmentAt, tableAt, type Zone } from '../zone.ts';
import { eraShiftMs } from '../zone-rules.ts';

export const WEEK_MS = 7 * DAY_MS;
/** 1970-01-05 was a Monday. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

/** From the first, inclusive, to the second, exclusive: local times in milliseconds, as if they were UTC. */
export type Window = readonly [from: number, to: number];

export interface CalendarWindows {
  /** Ascending, without overlaps. */
  readonly dates: readonly Window[];
  /** Of every week, from Monday 00:00. Ascending, without overlaps. */
  readonly weekly: readonly Window[];
}

/** Compiled: what a schedule needs of a calendar. */
export interface Calendar extends CalendarWindows {
  readonly name: string;
  readonly zone: Zone;
}

export function covers(calendar: Calendar, instantMs: number): boolean {
  const wallMs = instantMs + offsetAt(calendar.zone, instantMs);
  return isIn(calendar.dates, wallMs) || isIn(calendar.weekly, weekTime(wallMs));
}

/** When `covers` may have another answer, strictly after the instant. Until then it has the same. */
export function nextChange(calendar: Calendar, instantMs: number): number {
  const wallMs = instantMs + offsetAt(calendar.zone, instantMs);
  const inWeek = weekTime(wallMs);
  const away = Math.min(
    nextEdge(calendar.dates, wallMs) - wallMs,
    nextEdge(calendar.weekly, inWeek) - inWeek,
    calendar.weekly.length === 0 ? Number.POSITIVE_INFINITY : WEEK_MS - inWeek,
  );
  return Math.min(instantMs + away, nextTransition(calendar.zone, instantMs));
}

/** Since when `covers` has had its answer at the instant: at or before it, and perhaps later than the whole truth. */
export function previousChange(calendar: Calendar, instantMs: number): number {
  const wallMs = instantMs + offsetAt(calendar.zone, instantMs);
  const inWeek = weekTime(wallMs);
  const away = Math.min(
    wallMs - previousEdge(calendar.dates, wallMs),
    inWeek - previousEdge(calendar.weekly, inWeek),
    calendar.weekly.length === 0 ? Number.POSITIVE_INFINITY : inWeek,
  );
  return Math.max(instantMs - away, previousTransition(calendar.zone, instantMs));
}

/** Ascending and merged. */
export function joined(windows: readonly Window[]): Window[] {
  const result: [number, number][] = [];
  for (const [from, to] of windows.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const last = result.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else if (from < to) result.push([from, to]);
  }
  return result;
}

function weekTime(wallMs: number): number {
  return (((wallMs - FIRST_MONDAY_MS) % WEEK_MS) + WEEK_MS) % WEEK_MS;
}

/** Index of the last window that begins at or before the time; -1 if there is none. */
function lastFrom(windows: readonly Window[], at: number): number {
  let low = -1;
  let high = windows.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (windows[middle]![0] <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

function isIn(windows: readonly Window[], at: number): boolean {
  const index = lastFrom(windows, at);
  return index >= 0 && at < windows[index]![1];
}

/** The first begin or end of a window after the time. */
function nextEdge(windows: readonly Window[], at: number): number {
  const index = lastFrom(windows, at);
  const end = index >= 0 ? windows[index]![1] : at;
  return end > at ? end : (windows[index + 1]?.[0] ?? Number.POSITIVE_INFINITY);
}

/** The last begin or end of a window, at the time or before. */
function previousEdge(windows: readonly Window[], at: number): number {
  const index = lastFrom(windows, at);
  if (index < 0) return Number.NEGATIVE_INFINITY;
  const [from, to] = windows[index]!;
  return to <= at ? to : from;
}

/** When the zone's offset may change next. */
function nextTransition(zone: Zone, instantMs: number): number {
  const table = tableAt(zone, instantMs);
  const shiftMs = eraShiftMs(instantMs);
  const index = segmentAt(table, instantMs - shiftMs);
  return (table.starts[index + 1] ?? table.until) + shiftMs;
}

/** When the zone's offset last changed, at the instant or before. */
function previousTransition(zone: Zone, instantMs: number): number {
  const table = tableAt(zone, instantMs);
  const shiftMs = eraShiftMs(instantMs);
  return Math.max(table.starts[segmentAt(table, instantMs - shiftMs)]!, table.from) + shiftMs;
}
