/**
 * What became of due times: the ledger with what backfills made of them laid over it. The one way in which both are
 * read together.
 */

import type { Backfilled, Fate } from '../model/backfill.ts';
import type { EndState, LedgerLine } from '../model/model.ts';
import { instantsBetween } from '../schedule/between.ts';
import type { Schedule } from '../schedule/model.ts';

/** An entry of the ledger, or what a backfill made of one due time since. */
export interface FateLine extends Omit<LedgerLine, 'end' | 'state'> {
  readonly end: LedgerLine['end'] | 'backfilled';
  readonly state?: EndState;
  /** The backfill, with `backfilled`. */
  readonly backfill?: string;
}

/**
 * Lays what backfills made over entries of one job; both ascending. Entries that cover several due times are split
 * with the schedule. Where it no longer fits their number, they stay whole, with fewer due times.
 */
export function laidOver(
  lines: readonly LedgerLine[],
  backfilled: readonly Backfilled[],
  schedule: Schedule | null,
): FateLine[] {
  const laid: FateLine[] = [];
  let next = 0;
  for (const line of lines) {
    while (next < backfilled.length && (backfilled[next] as Backfilled).due < line.from)
      laid.push(lineOf(backfilled[next++] as Backfilled));
    const inside: Backfilled[] = [];
    while (next < backfilled.length && (backfilled[next] as Backfilled).due <= line.to)
      inside.push(backfilled[next++] as Backfilled);
    if (inside.length === 0) laid.push(line);
    else laid.push(...split(line, inside, schedule));
  }
  for (const each of backfilled.slice(next)) laid.push(lineOf(each));
  return laid;
}

const lineOf = ({ job, due, state, run, backfill }: Backfilled): FateLine => ({
  job,
  from: due,
  to: due,
  count: 1,
  end: 'backfilled',
  state,
  reason: null,
  run,
  backfill,
});

function split(line: LedgerLine, inside: readonly Backfilled[], schedule: Schedule | null): FateLine[] {
  const over = inside.map(lineOf);
  const left = line.count - inside.length;
  if (left <= 0) return over;
  const parts = schedule === null ? [] : partsOf(line, inside, schedule);
  if (parts.reduce((sum, { count }) => sum + count, 0) !== left || line.more === true)
    return [{ ...line, count: left }, ...over];
  return [...parts, ...over].sort((a, b) => a.from - b.from);
}

/** The entry between the due times that were backfilled. */
function partsOf(line: LedgerLine, inside: readonly Backfilled[], schedule: Schedule): FateLine[] {
  const bounds = [line.from - 1, ...inside.map(({ due }) => due), line.to + 1];
  return bounds.slice(1).flatMap((below, i) => {
    const range = { afterMs: bounds[i] as number, upToMs: below - 1, keep: 1, countLimit: line.count };
    const { count, first, last } = instantsBetween(schedule, range);
    return first === null ? [] : [{ ...line, from: first, to: last[0] ?? first, count }];
  });
}

/**
 * How it stands with a due time, by the line that covers it. Passed over because a later run stood for it counts as
 * missed: nobody has run it.
 */
export function fateOf(line: Pick<FateLine, 'end' | 'state'> | undefined): Exclude<Fate, 'unfinished'> {
  switch (line?.end) {
    case undefined:
      return 'never';
    case 'skipped':
      return 'skipped';
    case 'missed':
    case 'caught-up':
      return 'missed';
    default:
      return ofState(line?.state);
  }
}

/** Entries of early releases have no state. */
function ofState(state: EndState | undefined): Exclude<Fate, 'unfinished'> {
  if (state === undefined || state === 'succeeded') return 'succeeded';
  return state === 'skipped' || state === 'missed' ? state : 'failed';
}

/** The line that covers each due time; both ascending. */
export function covering(lines: readonly FateLine[], dues: readonly number[]): (FateLine | undefined)[] {
  // A whole entry may have lines of backfills in it, which count.
  const own = new Map(lines.filter(({ from, to }) => from === to).map((line) => [line.from, line]));
  const wide = lines.filter(({ from, to, count }) => from !== to && count > 0);
  let at = 0;
  return dues.map((due) => {
    while (at < wide.length && (wide[at] as FateLine).to < due) at += 1;
    const line = wide[at];
    return own.get(due) ?? (line !== undefined && line.from <= due ? line : undefined);
  });
}
