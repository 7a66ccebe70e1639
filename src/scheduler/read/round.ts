/**
 * One round: a run of a job, and what followed from it in the jobs that depend on it. Pure; the caller reads the past.
 *
 * The critical path is that of the round itself: from the run that ended last back over the parents that ended last, so it
 * says what the round waited for, and not what usually takes long.
 */

import type { Run } from '../model/model.ts';
import { isEnded, isTriggeredBy } from '../model/run-state.ts';

/** A job in the order of a tree, with the parents that are in the round. */
export interface RoundJob {
  readonly name: string;
  readonly parents: readonly string[];
}

/** Runs of the jobs that may belong to the round. */
export type Candidates = ReadonlyMap<string, readonly Run[]>;

/**
 * The run of each job in the round that is due then, where there is one: the newest that has the due time of the round, or
 * the oldest that a run of the round triggered. Jobs that join several parents, or run once per interval, are due later.
 * `jobs`: parents before children; the first one is the root.
 */
export function roundOf(
  jobs: readonly RoundJob[],
  candidates: Candidates,
  due: number,
): ReadonlyMap<string, Run> {
  const found = new Map<string, Run>();
  const ids = new Set<string>();
  for (const { name } of jobs) {
    const runs = candidates.get(name) ?? [];
    const run =
      newest(runs.filter((each) => each.due === due)) ??
      oldest(runs.filter((each) => isTriggeredBy(each, ids)));
    // Other runs of the same due time led to the same followers.
    for (const each of runs) if (each.due === due || each === run) ids.add(each.id);
    if (run !== null) found.set(name, run);
  }
  return found;
}

const newest = (runs: readonly Run[]): Run | null =>
  runs.reduce<Run | null>(
    (best, run) => (best === null || run.createdAt > best.createdAt ? run : best),
    null,
  );

const oldest = (runs: readonly Run[]): Run | null =>
  runs.reduce<Run | null>((best, run) => (best === null || run.due < best.due ? run : best), null);

export interface RoundPath {
  /** From the first job to the one that ended last. */
  readonly jobs: readonly string[];
  /**
   * To the end of the last job on it, from the due time of the round. A round that somebody began later, as in a backfill: from
   * when it began.
   */
  readonly totalMs: number;
}

/** The chain of runs that the end of the round waited for. Unfinished runs end now. */
export function pathOf(
  jobs: readonly RoundJob[],
  runs: ReadonlyMap<string, Run>,
  { due, now }: { readonly due: number; readonly now: number },
): RoundPath {
  const parents = new Map(jobs.map((job) => [job.name, job.parents]));
  const endOf = (name: string): number => endedAt(runs.get(name), now);
  const ran = jobs.map(({ name }) => name).filter((name) => hasRun(runs.get(name)));
  const last = latest(ran, endOf);
  if (last === null) return { jobs: [], totalMs: 0 };
  const path = [last];
  for (let at = last; ; ) {
    const before = latest(
      (parents.get(at) ?? []).filter((name) => hasRun(runs.get(name))),
      endOf,
    );
    if (before === null) break;
    path.push(before);
    at = before;
  }
  return { jobs: path.reverse(), totalMs: Math.max(0, endOf(last) - beginOf(runs, due)) };
}

function beginOf(runs: ReadonlyMap<string, Run>, due: number): number {
  const all = [...runs.values()];
  if (all.length === 0 || all.some(({ trigger }) => trigger.kind === 'schedule')) return due;
  return Math.min(...all.map(({ createdAt }) => createdAt));
}

const hasRun = (run: Run | undefined): boolean => run !== undefined && run.attempts.length > 0;

const endedAt = (run: Run | undefined, now: number): number =>
  run === undefined ? Number.NEGATIVE_INFINITY : isEnded(run.state) ? (run.endedAt ?? now) : now;

/** The one with the latest end; of several, the first by name. */
function latest(names: readonly string[], endOf: (name: string) => number): string | null {
  let best: string | null = null;
  for (const name of names)
    if (best === null || endOf(name) > endOf(best) || (endOf(name) === endOf(best) && name < best))
      best = name;
  return best;
}
