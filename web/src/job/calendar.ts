/**
 * The ledger as a calendar: a period cut into cells, and the outcomes of the due times in each. Local time,
 * so a day may have 23 or 25 hours.
 */

import type { WireLedgerLine } from '../../../src/api/wire/schema.ts';
import { type Fate, fateOf, fates } from '../parts/fate.ts';

export const scales = ['month', 'day', 'hour'] as const;
export type Scale = (typeof scales)[number];
export type Fates = Readonly<Record<Fate, number>>;

export const total = (counted: Fates, which: readonly Fate[] = fates): number =>
  which.reduce((sum, fate) => sum + counted[fate], 0);

const none = (): Record<Fate, number> => ({
  succeeded: 0,
  failed: 0,
  'timed-out': 0,
  killed: 0,
  lost: 0,
  ran: 0,
  'caught-up': 0,
  backfilled: 0,
  skipped: 0,
  missed: 0,
});

/** The sum of all cells. */
export function sumOf(cells: readonly Cell[]): Fates {
  const sum = none();
  for (const cell of cells) for (const fate of fates) sum[fate] += cell.counts[fate];
  return sum;
}

export interface Cell {
  readonly fromMs: number;
  readonly toMs: number;
  readonly label: string;
  readonly counts: Fates;
}

/** The period of this scale that contains the time, moved by `by` periods. */
export function stretch(
  scale: Scale,
  atMs: number,
  by = 0,
): { readonly fromMs: number; readonly toMs: number } {
  const at = new Date(atMs);
  const start = (step: number): number => {
    if (scale === 'month') return new Date(at.getFullYear(), at.getMonth() + step, 1).getTime();
    if (scale === 'day') return new Date(at.getFullYear(), at.getMonth(), at.getDate() + step).getTime();
    return new Date(at.getFullYear(), at.getMonth(), at.getDate(), at.getHours() + step).getTime();
  };
  return { fromMs: start(by), toMs: start(by + 1) };
}

/** Days of a month, hours of a day, or minutes of an hour, each with the outcomes of its due times. */
export function cellsOf(
  scale: Scale,
  span: { readonly fromMs: number; readonly toMs: number },
  lines: readonly WireLedgerLine[],
): Cell[] {
  const starts: number[] = [];
  for (let at = span.fromMs; at < span.toMs; at = nextStart(scale, at)) starts.push(at);
  const counts = starts.map(none);
  for (const line of lines) spread(line, starts, counts);
  return starts.map((fromMs, i) => ({
    fromMs,
    toMs: starts[i + 1] ?? span.toMs,
    label: labelOf(scale, fromMs),
    counts: counts[i] as Fates,
  }));
}

function nextStart(scale: Scale, atMs: number): number {
  if (scale !== 'month') return atMs + (scale === 'day' ? 3_600_000 : 60_000);
  const at = new Date(atMs);
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() + 1).getTime();
}

function labelOf(scale: Scale, atMs: number): string {
  const at = new Date(atMs);
  const value = scale === 'month' ? at.getDate() : scale === 'day' ? at.getHours() : at.getMinutes();
  return scale === 'month' ? String(value) : String(value).padStart(2, '0');
}

/** An entry may stand for many due times, which are spread evenly between its ends. */
function spread(
  line: WireLedgerLine,
  starts: readonly number[],
  counts: readonly Record<Fate, number>[],
): void {
  const fate = fateOf(line);
  const from = Date.parse(line.from);
  const to = Date.parse(line.to);
  const first = cellAt(starts, from);
  const last = cellAt(starts, to);
  if (first === last || line.count <= 1) {
    const cell = counts[Math.max(0, first)];
    if (cell !== undefined) cell[fate] += line.count;
    return;
  }
  const step = (to - from) / (line.count - 1);
  for (let i = Math.max(0, first); i <= last; i++) {
    const cell = counts[i];
    if (cell === undefined) continue;
    const begin = Math.ceil(((starts[i] as number) - from) / step);
    const end = i === last ? line.count - 1 : Math.ceil(((starts[i + 1] as number) - from) / step) - 1;
    cell[fate] += Math.max(0, end - Math.max(0, begin) + 1);
  }
}

/** The last start at or before the time; -1 if it is before all. */
function cellAt(starts: readonly number[], atMs: number): number {
  return starts.findLastIndex((start) => start <= atMs);
}

/** The scale at which a period has a readable number of due times. */
export function scaleFor(gapMs: number | null): Scale {
  if (gapMs === null || gapMs >= 15 * 60_000) return 'month';
  return gapMs >= 25_000 ? 'day' : 'hour';
}
