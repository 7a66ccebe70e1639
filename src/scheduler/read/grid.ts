/**
 * The grid: jobs down, rounds or days across, and how each job did in each. Pure; the caller reads the past.
 *
 * Of one due time of a job, the newest run counts: a rerun that succeeded makes up for the run that failed. Without
 * a run, it is what a backfill made of it, or else what the ledger says: for old runs, and for due times that were skipped, missed or caught up.
 */

import type { Steps } from '../handle.ts';
import type { Backfilled } from '../model/backfill.ts';
import type { LedgerLine, Run, RunState } from '../model/model.ts';
import { instantsBetween } from '../schedule/between.ts';
import { DAY_MS } from '../schedule/civil.ts';
import type { Schedule } from '../schedule/model.ts';
import { nextInstant } from '../schedule/next.ts';
import { instantOfWall, offsetAt, type Zone } from '../schedule/zone.ts';

/**
 * How a due time ended, or how far its run is. `ran`: its end was not recorded. `caught-up`: a later run stands for it.
 * `pending`: a round of a job with parents that still waits for some of them.
 */
export type GridState = RunState | 'ran' | 'caught-up' | 'pending';

/** Worst first: what a cell of several due times shows. */
export const worstFirst = [
  'failed',
  'lost',
  'timed-out',
  'killed',
  'missed',
  'skipped',
  'running',
  'launching',
  'queued',
  'waiting',
  'pending',
  'caught-up',
  'ran',
  'succeeded',
] as const satisfies readonly GridState[];

const rank = new Map<GridState, number>(worstFirst.map((state, index) => [state, index]));

/** The due times of a stretch without runs are counted up to this many per cell. */
export const MAX_COUNTED = 100;

/** What is known of a job in a span of due times. */
export interface JobPast {
  /** Entries that overlap the span, in any order. */
  readonly lines: readonly LedgerLine[];
  /** What backfills made of due times in the span. */
  readonly backfilled: readonly Backfilled[];
  /** Runs that were due in the span, ended or not. */
  readonly runs: readonly Run[];
  /** Due times of rounds that wait for parents. */
  readonly pending: readonly number[];
  /** The job's time schedule, which gives the due times of a stretch. Null: it has none. */
  readonly schedule: Schedule | null;
  /** Nothing is known of earlier due times, because there was too much to read. */
  readonly knownFrom: number;
}

/**
 * [from, to) of due times. The column of a round lasts until the next one: runs of jobs that join several roots, or run
 * once per interval, are due a little later than the root.
 */
export interface Column {
  readonly from: number;
  readonly to: number;
}

export interface Cell {
  /** Null: nothing was due. */
  readonly state: GridState | null;
  /** Due times in it. */
  readonly count: number;
  /** How many of them have this state. */
  readonly worst: number;
  /** Its due time was run more than once, and the newest run is shown. */
  readonly again: boolean;
  /** False: there was too much to read. */
  readonly known: boolean;
}

const unknown: Cell = { state: null, count: 0, worst: 0, again: false, known: false };

/** What the runs and single entries say of each due time, and the stretches beside them. */
interface Said {
  readonly single: ReadonlyMap<number, { readonly state: GridState; readonly again: boolean }>;
  readonly stretches: readonly LedgerLine[];
}

/** One cell for each column, in its order. */
export function* cellsOf(past: JobPast, columns: readonly Column[]): Steps<Cell[]> {
  const said = yield* saidOf(past);
  const ats = [...said.single.keys()].sort((a, b) => a - b);
  const cells: Cell[] = [];
  for (const column of columns) {
    yield;
    cells.push(column.from < past.knownFrom ? unknown : cellOf(column, { said, ats, past }));
  }
  return cells;
}

function* saidOf({ lines, backfilled, runs, pending }: JobPast): Steps<Said> {
  const single = new Map<number, { state: GridState; again: boolean }>();
  const stretches: LedgerLine[] = [];
  for (const due of pending) single.set(due, { state: 'pending', again: false });
  for (const line of lines) {
    yield;
    // Revoked when the clock was set back.
    if (line.count === 0) continue;
    if (line.from === line.to) single.set(line.from, { state: stateOf(line), again: false });
    else stretches.push(line);
  }
  // Laid over the ledger, due time by due time.
  for (const { due, state } of backfilled) single.set(due, { state, again: false });
  const newest = new Map<number, Run>();
  for (const run of runs) {
    yield;
    const other = newest.get(run.due);
    if (other === undefined || isNewer(run, other)) newest.set(run.due, run);
    single.set(run.due, { state: newest.get(run.due)?.state ?? run.state, again: other !== undefined });
  }
  return { single, stretches };
}

const isNewer = (run: Run, other: Run): boolean =>
  run.createdAt > other.createdAt || (run.createdAt === other.createdAt && run.id > other.id);

const stateOf = ({ end, state }: LedgerLine): GridState => (end === 'ran' ? (state ?? 'ran') : end);

interface Sources {
  readonly said: Said;
  /** The due times of `said.single`, ascending. */
  readonly ats: readonly number[];
  readonly past: JobPast;
}

function cellOf(column: Column, { said, ats, past }: Sources): Cell {
  const counts = new Map<GridState, number>();
  let again = false;
  const add = (state: GridState, count: number): void => {
    if (count > 0) counts.set(state, (counts.get(state) ?? 0) + count);
  };
  const within: number[] = [];
  for (let at = firstFrom(ats, column.from); at < ats.length && (ats[at] as number) < column.to; at++) {
    const due = ats[at] as number;
    const one = said.single.get(due);
    if (one === undefined) continue;
    within.push(due);
    add(one.state, 1);
    again ||= one.again;
  }
  for (const line of said.stretches) add(stateOf(line), silentIn(line, column, within, past.schedule));
  let state: GridState | null = null;
  let count = 0;
  for (const [each, many] of counts) {
    count += many;
    if (state === null || rankOf(each) < rankOf(state)) state = each;
  }
  return {
    state,
    count,
    worst: state === null ? 0 : (counts.get(state) ?? 0),
    again: again && count === 1,
    known: true,
  };
}

const rankOf = (state: GridState): number => rank.get(state) ?? worstFirst.length;

/** Due times of the stretch in the column of which nothing else is said. */
function silentIn(
  line: LedgerLine,
  column: Column,
  said: readonly number[],
  schedule: Schedule | null,
): number {
  const from = Math.max(line.from, column.from);
  const upTo = Math.min(line.to, column.to - 1);
  if (from > upTo) return 0;
  const isWhole = from === line.from && upTo === line.to;
  const all = isWhole ? line.count : dueIn(line, from, upTo, schedule);
  const taken = said.filter((due) => due >= from && due <= upTo && isDueOf(line, due, schedule)).length;
  return Math.max(0, all - taken);
}

/** The schedule may have changed since the entry was written: its first due time is one in any case. */
function dueIn(line: LedgerLine, from: number, upTo: number, schedule: Schedule | null): number {
  const first = from === line.from ? 1 : 0;
  if (schedule === null) return first;
  const afterMs = first === 1 ? from : from - 1;
  return first + instantsBetween(schedule, { afterMs, upToMs: upTo, keep: 0, countLimit: MAX_COUNTED }).count;
}

const isDueOf = (line: LedgerLine, due: number, schedule: Schedule | null): boolean =>
  due === line.from || (schedule !== null && nextInstant(schedule, due - 1) === due);

/** The newest due times of the job in [from, to), at most `most`, newest first. */
export function* newestDue(
  past: JobPast,
  { from, to, most }: { readonly from: number; readonly to: number; readonly most: number },
): Steps<number[]> {
  const { single, stretches } = yield* saidOf(past);
  const found = new Set<number>();
  const add = (due: number): void => {
    if (due >= from && due < to) found.add(due);
  };
  for (const due of single.keys()) add(due);
  for (const line of stretches) {
    add(line.from);
    if (past.schedule === null) continue;
    const range = { afterMs: Math.max(line.from, from - 1), upToMs: Math.min(line.to, to - 1) };
    if (range.upToMs <= range.afterMs) continue;
    for (const due of instantsBetween(past.schedule, { ...range, keep: most, countLimit: 0 }).last) add(due);
    yield;
  }
  return [...found].sort((a, b) => b - a).slice(0, most);
}

/** Rounds as columns. */
export function roundsAt(dues: readonly number[]): Column[] {
  const ascending = [...new Set(dues)].sort((a, b) => a - b);
  return ascending.map((from, index) => ({ from, to: ascending[index + 1] ?? Number.MAX_SAFE_INTEGER }));
}

/** The last `most` days of the zone that overlap [from, to), oldest first. */
export function daysBetween(
  zone: Zone,
  { from, to, most }: { readonly from: number; readonly to: number; readonly most: number },
): Column[] {
  const last = Math.floor((to - 1 + offsetAt(zone, to - 1)) / DAY_MS);
  const days: Column[] = [];
  for (let day = last; days.length < most; day--) {
    const begin = instantOfWall(zone, day * DAY_MS);
    const end = instantOfWall(zone, (day + 1) * DAY_MS);
    if (end <= from) break;
    // A day that the zone skipped has no time.
    if (end > begin) days.push({ from: begin, to: end });
  }
  return days.reverse();
}

function firstFrom(ascending: readonly number[], from: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}
