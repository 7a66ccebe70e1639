/**
 * Unfinished and past runs as one list, newest due time first; equal due times in descending order of id, as
 * in the archive. A page starts strictly after the last run of the previous page, and reads the archive from
 * where that page stopped. So a run that ends between two pages is neither repeated nor left out.
 *
 * Somebody who sees few jobs, or asks for a rare state, finds few of the runs that are read. Each request reads a bounded
 * number, and answers with what it found, which may be nothing, and a cursor.
 */

import { type EndState, endStates, type Run, type RunState } from '../../scheduler/model/model.ts';
import type { RunQuery } from '../../scheduler/ports.ts';
import type { Reading } from '../context.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { opened, sealed } from './sealed.ts';

export interface RunFilter {
  readonly job?: string;
  readonly states?: readonly RunState[];
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly limit: number;
  readonly cursor?: string;
}

/** [due time and id of the last run of the previous page, the archive's cursor to continue from, sealed]. */
type Position = readonly [due: number, id: string, archive: string | null];

const isPosition = (position: readonly unknown[]): position is Position =>
  Number.isSafeInteger(position[0]) &&
  typeof position[1] === 'string' &&
  (position[2] === null || typeof position[2] === 'string');

/** Newest due time first. */
const byPosition = (a: Order, b: Order): number => b.due - a.due || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
type Order = { readonly due: number; readonly id: string };
/** Before all runs, and after all. */
const start: Order = { due: Number.MAX_SAFE_INTEGER, id: '' };
const finish: Order = { due: Number.MIN_SAFE_INTEGER, id: '' };

export const runListLimits = {
  /** Pages of the archive that a request reads. */
  reads: 20,
  /** Runs of each page after the first. */
  page: 250,
} as const;

export async function listRuns(
  reading: Reading,
  filter: RunFilter,
): Promise<{ items: Run[]; next: string | null }> {
  const keys = reading.scheduler.signingKeys();
  const isOurs = (place: readonly unknown[]): place is Position =>
    isPosition(place) && (place[2] === null || opened(place[2], keys) !== null);
  const position = filter.cursor === undefined ? null : decodeCursor(filter.cursor, isOurs);
  const from = position === null || position[2] === null ? null : opened(position[2], keys);
  const behind = (run: Order): boolean =>
    position === null || byPosition({ due: position[0], id: position[1] }, run) < 0;
  // Before the archive: a run that ends in between is found in both, and never in neither.
  const live = await liveThat(reading, filter, behind);
  const past = await readPast(reading, filter, from, behind);
  const ended = new Set(past.runs.map(({ run }) => run.id));
  const unfinished = live.filter((run) => !ended.has(run.id)).map((run) => ({ run, readOn: null }));
  // Unfinished runs behind what was read of the archive come after runs that were not read yet.
  const isSure = ({ run }: { run: Run }): boolean => byPosition(run, past.upTo) <= 0;
  const merged = [...past.runs, ...unfinished].filter(isSure).sort((a, b) => byPosition(a.run, b.run));
  const page = merged.slice(0, filter.limit);
  const items = page.map(({ run }) => run);
  if (merged.length <= filter.limit && past.end) return { items, next: null };
  const { due, id } = items.at(-1) ?? (position === null ? start : { due: position[0], id: position[1] });
  const isAll = merged.length <= filter.limit;
  const readOn = isAll ? past.readOn : (page.findLast((each) => each.readOn !== null)?.readOn ?? from);
  return { items, next: encodeCursor([due, id, readOn === null ? null : sealed(readOn, keys)]) };
}

interface PastRun {
  readonly run: Run;
  /** Archive cursor to continue with after this run. Null: from the start. */
  readonly readOn: string | null;
}

interface Past {
  readonly runs: readonly PastRun[];
  /** There are no others. */
  readonly end: boolean;
  /** All runs up to here were read. */
  readonly upTo: Order;
  /** Archive cursor to continue with after all that was read. */
  readonly readOn: string | null;
}

/** Returns at least `limit` archived runs after the position, or all there are (`end`), or what it found within the bounds. */
async function readPast(
  { scheduler, turns }: Reading,
  filter: RunFilter,
  from: string | null,
  behind: (run: Order) => boolean,
): Promise<Past> {
  const states = filter.states?.filter((state): state is EndState =>
    (endStates as readonly string[]).includes(state),
  );
  const runs: PastRun[] = [];
  if (states?.length === 0) return { runs, end: true, upTo: finish, readOn: null };
  let cursor = from;
  let upTo = start;
  // Earlier runs were returned while unfinished and have ended since, so their number is bounded.
  const turn = await turns.begin();
  for (let reads = 0; runs.length < filter.limit && reads < runListLimits.reads; reads++) {
    const limit = reads === 0 ? filter.limit : Math.max(filter.limit, runListLimits.page);
    const { items, next, last } = await scheduler.archive.runs(
      archiveQuery({ ...filter, limit }, states, cursor),
    );
    items.forEach((run, index) => {
      const readOn = index === items.length - 1 ? (next ?? cursor) : cursor;
      if (behind(run)) runs.push({ run, readOn });
    });
    if (next === null) return { runs, end: true, upTo: finish, readOn: cursor };
    upTo = last ?? items.at(-1) ?? upTo;
    cursor = next;
    // One page of the archive takes one turn.
    await turn.next();
  }
  return { runs, end: false, upTo, readOn: cursor };
}

function archiveQuery(
  filter: RunFilter,
  states: readonly EndState[] | undefined,
  cursor: string | null,
): RunQuery {
  const { job, fromMs, toMs, limit } = filter;
  return {
    limit,
    ...(job !== undefined && { job }),
    ...(states !== undefined && { states }),
    ...(fromMs !== undefined && { fromMs }),
    ...(toMs !== undefined && { toMs }),
    ...(cursor !== null && { cursor }),
  };
}

/** The first unfinished runs after the position, one more than a page, to know whether there are more. */
async function liveThat(
  { scheduler, turns }: Reading,
  { job, states, fromMs, toMs, limit }: RunFilter,
  behind: (run: Run) => boolean,
): Promise<Run[]> {
  const turn = await turns.begin();
  let runs: Run[] = [];
  for (const run of scheduler.liveRuns()) {
    if (turn.isOver()) await turn.next();
    if (job !== undefined && run.job !== job) continue;
    if (states !== undefined && !states.includes(run.state)) continue;
    if (run.due < (fromMs ?? run.due) || (toMs !== undefined && run.due >= toMs)) continue;
    if (!behind(run)) continue;
    if (runs.push(run) > 2 * limit) runs = runs.sort(byPosition).slice(0, limit + 1);
  }
  return runs.sort(byPosition).slice(0, limit + 1);
}
