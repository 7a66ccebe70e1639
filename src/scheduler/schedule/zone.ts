/**
 * Time zones as tables of transitions, read from Intl once per zone and range of years and then searched as
 * plain numbers. A zone caches what Intl says: it grows, but the result for a time never changes while the
 * process lives. Years from 2129 on follow the rules of 2101 to 2128 (zone-rules.ts). Local times are
 * resolved as in java.time and as Temporal's `compatible`.
 */

import { DAY_MS, SECOND_MS } from './civil.ts';
import { fixedOffsetMs, isKnownZone, unknownZone } from './zone-name.ts';
import { eraShiftMs, FAR_MS, farTable, type ZoneTable } from './zone-rules.ts';

export { isKnownZone };

/** The table itself holds the years up to 2200; `tableAt` says which one an instant is looked up in. */
export interface Zone extends ZoneTable {
  readonly id: string;
  /** Built when a year from 2129 on is first needed. */
  far: ZoneTable | null;
  /** The offset according to Intl. Null for a zone with a constant offset. */
  readonly probe: ((instantMs: number) => number) | null;
}

/** Before these years the first offset applies. Years after FAR_MS are only reached by an endless search. */
const FIRST_MS = Date.UTC(1900, 0, 1);
const LAST_MS = Date.UTC(2200, 0, 1);

/** The table grows by at least this much: about 450 probes, a millisecond. */
const STRETCH_MS = 6 * 366 * DAY_MS;

/** Less than the shortest time between two changes from 1900 to 2100: a week (Recife 2000, Gaza 2040). */
const PROBE_MS = 5 * DAY_MS;

/** There are about 600 names; the limit keeps odd spellings from filling the cache. */
const MAX_ZONES = 2_000;
const zones = new Map<string, Zone>();

/** The zone of an IANA name or fixed offset. Throws UNKNOWN_TIMEZONE. */
export function zoneOf(id: string): Zone {
  let zone = zones.get(id);
  if (zone === undefined) {
    zone = openZone(id);
    if (zones.size >= MAX_ZONES) zones.clear();
    zones.set(id, zone);
  }
  return zone;
}

function openZone(id: string): Zone {
  const fixed = fixedOffsetMs(id);
  if (fixed !== null) {
    const table = { starts: [-Infinity], offsets: [fixed], from: -Infinity, until: Infinity, probe: null };
    return { id, ...table, far: null };
  }
  if (!isKnownZone(id)) throw unknownZone(id, 'schedule.timezone');
  return { id, starts: [], offsets: [], from: Infinity, until: -Infinity, probe: probeOf(id), far: null };
}

/** The table for times around `instantMs`, moved back by `eraShiftMs(instantMs)`. */
export function tableAt(zone: Zone, instantMs: number): ZoneTable {
  if (instantMs < FAR_MS || zone.probe === null) return zone;
  zone.far ??= farTable(zone.probe, scan);
  return zone.far;
}

function probeOf(id: string): (instantMs: number) => number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: id, timeZoneName: 'longOffset' });
  return (instantMs) => {
    const match = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(format.format(instantMs));
    if (match === null) return 0;
    const seconds = Number(match[2]) * 3_600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
    return (match[1] === '-' ? -seconds : seconds) * SECOND_MS;
  };
}

/** Makes the table exact around `instantMs`, with a margin of a day on both sides. */
export function cover(zone: ZoneTable, instantMs: number): void {
  if (instantMs - DAY_MS < zone.from) growBack(zone, wholeSecond(instantMs - DAY_MS));
  if (instantMs + DAY_MS >= zone.until) growOn(zone, wholeSecond(instantMs + DAY_MS));
}

/** Transitions are on whole seconds, so the search for them must be too. */
function wholeSecond(instantMs: number): number {
  return Math.floor(instantMs / SECOND_MS) * SECOND_MS;
}

function growBack(zone: ZoneTable, neededMs: number): void {
  const anchor = Math.min(Math.max(zone.from === Infinity ? neededMs : zone.from, FIRST_MS), LAST_MS);
  const from = Math.max(FIRST_MS, Math.min(neededMs, anchor - STRETCH_MS));
  const starts: number[] = [-Infinity];
  const offsets: number[] = [zone.probe!(from)];
  scan(zone.probe!, { from, until: anchor }, starts, offsets);
  // The first known offset is also the last one found, so it is replaced by what leads to it.
  zone.starts.splice(0, 1, ...starts);
  zone.offsets.splice(0, 1, ...offsets);
  zone.from = from <= FIRST_MS ? -Infinity : from;
  if (zone.until === -Infinity) zone.until = anchor >= LAST_MS ? Infinity : anchor;
}

function growOn(zone: ZoneTable, neededMs: number): void {
  const from = Math.min(zone.until, LAST_MS);
  const until = Math.min(LAST_MS, Math.max(neededMs + SECOND_MS, from + STRETCH_MS));
  scan(zone.probe!, { from, until }, zone.starts, zone.offsets);
  zone.until = until >= LAST_MS ? Infinity : until;
}

/** Appends each transition in (from, until] to the table, whose last offset applies at `from`. */
function scan(
  probe: (instantMs: number) => number,
  range: { readonly from: number; readonly until: number },
  starts: number[],
  offsets: number[],
): void {
  let low = range.from;
  while (low < range.until) {
    const offset = offsets.at(-1);
    const high = Math.min(range.until, low + PROBE_MS);
    if (probe(high) === offset) {
      low = high;
      continue;
    }
    let first = high;
    while (first - low > SECOND_MS) {
      const middle = low + Math.floor((first - low) / (2 * SECOND_MS)) * SECOND_MS;
      if (probe(middle) === offset) low = middle;
      else first = middle;
    }
    starts.push(first);
    offsets.push(probe(first));
    low = first;
  }
}

/** Index of the segment that contains `instantMs`; neighbours within a day are in the table too. */
export function segmentAt(zone: ZoneTable, instantMs: number): number {
  cover(zone, instantMs);
  const starts = zone.starts;
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= instantMs) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** How long the offset around `instantMs` lasts, as far as that is known: a day at least on each side. */
export function steadyAround(zone: Zone, instantMs: number): { from: number; to: number } {
  const table = tableAt(zone, instantMs);
  const shiftMs = eraShiftMs(instantMs);
  const at = segmentAt(table, instantMs - shiftMs);
  return { from: table.starts[at]! + shiftMs, to: (table.starts[at + 1] ?? Infinity) + shiftMs };
}

/** Milliseconds by which local time is ahead of UTC. */
export function offsetAt(zone: Zone, instantMs: number): number {
  const table = tableAt(zone, instantMs);
  return table.offsets[segmentAt(table, instantMs - eraShiftMs(instantMs))]!;
}

/**
 * The timestamp of the local time `wallMs` (written as if it were UTC). In an overlap it is the first of the
 * two; in a gap the local time is moved forward by the length of the gap.
 */
export function instantOfWall(zone: Zone, wallMs: number): number {
  const shiftMs = eraShiftMs(wallMs);
  return instantInTable(tableAt(zone, wallMs), wallMs - shiftMs) + shiftMs;
}

function instantInTable(table: ZoneTable, wallMs: number): number {
  const { starts, offsets } = table;
  // A day earlier lies in a segment that ends, in its local time, no later than the one searched for.
  let index = segmentAt(table, wallMs - DAY_MS);
  cover(table, wallMs + DAY_MS);
  while (index + 1 < starts.length && wallMs >= starts[index + 1]! + offsets[index]!) index += 1;
  const inGap = index > 0 && wallMs < starts[index]! + offsets[index]!;
  return wallMs - offsets[inGap ? index - 1 : index]!;
}
