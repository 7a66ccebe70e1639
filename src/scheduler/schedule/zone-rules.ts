/**
 * Time zones in the far future. From 2101 on, zones have only yearly rules ("the last Sunday of March"; the
 * tables for Ramadan end in 2087). The effect of such a rule depends only on the weekday of the year's first
 * day and its length. 28 years contain all fourteen kinds of year, so 2101 to 2128, read from Intl, determine
 * all later years. The calendar repeats every 400 years, so one table of 400 years suffices.
 */

import { DAY_MS } from './civil.ts';

/**
 * From `starts[i]` (the first is -Infinity) the zone's clock is `offsets[i]` milliseconds ahead of UTC.
 * Exact for instants in [from, until); ask `cover` first.
 */
export interface ZoneTable {
  readonly starts: number[];
  readonly offsets: number[];
  from: number;
  until: number;
  readonly probe: ((instantMs: number) => number) | null;
}

const FIRST_YEAR = 2101;
const FAR_YEAR = 2129;
/** 400 years, plus the 50 of a cron search in either direction. */
const TABLE_END_YEAR = FAR_YEAR + 400 + 54;

/** From here on, times are looked up in the table built here. */
export const FAR_MS = Date.UTC(FAR_YEAR, 0, 1);
const ERA_MS = 146_097 * DAY_MS;

/** The offset that moves a time back into the first 400 years from FAR_MS on; 0 if it is there or earlier. */
export function eraShiftMs(instantMs: number): number {
  return instantMs < FAR_MS ? 0 : Math.floor((instantMs - FAR_MS) / ERA_MS) * ERA_MS;
}

/** The same for a search backwards over `years`: it stays in the table, or reaches times before 2129 unmoved. */
export function eraShiftBackMs(instantMs: number, years: number): number {
  const shiftMs = eraShiftMs(instantMs);
  const isNearStart = instantMs - shiftMs < FAR_MS + (years + 1) * 366 * DAY_MS;
  return shiftMs > 0 && isNearStart ? shiftMs - ERA_MS : shiftMs;
}

type Probe = (instantMs: number) => number;
type Scan = (
  probe: Probe,
  range: { readonly from: number; readonly until: number },
  starts: number[],
  offsets: number[],
) => void;

/** `scan` appends each change in a range; takes about 3,000 probes. */
export function farTable(probe: Probe, scan: Scan): ZoneTable {
  const from = Date.UTC(FIRST_YEAR, 0, 1);
  const starts = [-Infinity];
  const offsets = [probe(from)];
  scan(probe, { from, until: FAR_MS - 1_000 }, starts, offsets);
  const kinds = changesByKind(starts, offsets);
  for (let year = FAR_YEAR; year < TABLE_END_YEAR; year++) {
    const begins = Date.UTC(year, 0, 1);
    for (const { sinceMs, offset } of kinds.get(kindOf(year)) ?? []) {
      starts.push(begins + sinceMs);
      offsets.push(offset);
    }
  }
  return { starts, offsets, from, until: Date.UTC(TABLE_END_YEAR, 0, 1), probe };
}

interface Change {
  /** From the start of the year. */
  readonly sinceMs: number;
  readonly offset: number;
}

function changesByKind(starts: readonly number[], offsets: readonly number[]): Map<number, Change[]> {
  const kinds = new Map<number, Change[]>();
  for (let year = FIRST_YEAR; year < FAR_YEAR; year++) {
    const begins = Date.UTC(year, 0, 1);
    const ends = Date.UTC(year + 1, 0, 1);
    const changes = starts.flatMap((start, i) =>
      start >= begins && start < ends ? [{ sinceMs: start - begins, offset: offsets[i]! }] : [],
    );
    kinds.set(kindOf(year), changes);
  }
  return kinds;
}

/** The weekday of the first day, and whether it is a leap year: fourteen kinds. */
function kindOf(year: number): number {
  const begins = Date.UTC(year, 0, 1);
  const days = (Date.UTC(year + 1, 0, 1) - begins) / DAY_MS;
  return days * 7 + ((begins / DAY_MS) % 7);
}
