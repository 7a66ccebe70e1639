/** Runs beside each other in time: past and unfinished runs, and the upcoming due times of all jobs. */

import type { JobGlance, JobReader, Steps } from '../handle.ts';
import type { Run } from '../model/model.ts';
import { nextInstant } from '../schedule/next.ts';
import { lateness } from './late.ts';
import { Outlook } from './outlook.ts';
import { nextDueOf } from './view.ts';

/** Which jobs are shown; null: all, and also runs of jobs that were deleted. */
export type Passes = ((job: JobGlance) => boolean) | null;

export interface ShownRun {
  readonly run: Run;
  /** When it will probably end; null for an ended run, and where too little is known. */
  readonly expectedEnd: number | null;
  /** Its job is late with it now. */
  readonly late: boolean;
}

export interface PastRuns {
  readonly items: readonly ShownRun[];
  /** Due times before this one are left out; null: nothing is. */
  readonly cutBefore: number | null;
}

interface PastOptions {
  readonly now: number;
  readonly passes: Passes;
  readonly most: number;
}

/** The first `most` of the runs that pass. `runs`: newest due first. */
export function* pastRuns(
  reader: JobReader,
  runs: readonly Run[],
  { now, passes, most }: PastOptions,
): Steps<PastRuns> {
  const { glance, lacking } = reader;
  const outlook = new Outlook(reader);
  const items: ShownRun[] = [];
  for (const run of runs) {
    yield;
    const job = glance(run.job);
    // A deleted job has no fields to match the filter.
    if (passes !== null && (job === undefined || !passes(job))) continue;
    if (items.length === most) return { items, cutBefore: run.due + 1 };
    const own = run.endedAt === null ? job : undefined;
    items.push({
      run,
      expectedEnd: own === undefined ? null : (outlook.ofRun(own, run, now)?.p50 ?? null),
      late: own !== undefined && lateness(own, now, lacking)?.run?.id === run.id,
    });
  }
  return { items, cutBefore: null };
}

export interface UpcomingRun {
  readonly job: JobGlance;
  readonly due: number;
}

export interface UpcomingRuns {
  /** In no particular order. */
  readonly items: readonly UpcomingRun[];
  /** Due times from this one on are left out; null: nothing is. */
  readonly cutFrom: number | null;
}

interface UpcomingOptions {
  /** Included. */
  readonly fromMs: number;
  /** Not included. */
  readonly toMs: number;
  readonly passes: Passes;
  readonly most: number;
}

/** The next due times of all jobs that pass, at most `most`; a job that is due every second gets no larger share. */
export function* upcomingRuns({ ranked }: JobReader, options: UpcomingOptions): Steps<UpcomingRuns> {
  const { fromMs, toMs, passes, most } = options;
  const jobs = yield* ranked('nextDue', false);
  const found: UpcomingRun[] = [];
  // Later due times are not needed: there are enough before.
  let until = toMs;
  for (let at = 0; at < jobs.count; at++) {
    yield;
    const job = jobs.at(at);
    let due = nextDueOf(job);
    if (due === null || due >= until) {
      if ((jobs.key(at) ?? Number.POSITIVE_INFINITY) >= until) break;
      continue;
    }
    if (passes !== null && !passes(job)) continue;
    const { schedule } = job;
    for (let count = 0; due !== null && due < until && count <= most; count++) {
      yield;
      if (due >= fromMs) found.push({ job, due });
      due = schedule === null ? null : nextInstant(schedule, due);
    }
    if (found.length > 2 * most) until = cut(found, most, until);
  }
  if (found.length > most) until = cut(found, most, until);
  return { items: found, cutFrom: until < toMs ? until : null };
}

/** Keeps the earliest, and returns the time from which on some are omitted. */
function cut(found: UpcomingRun[], most: number, until: number): number {
  found.sort((a, b) => a.due - b.due);
  const first = found[most]?.due ?? until;
  // Keeps either all of one due time or none of them.
  const keep = found.findIndex(({ due }) => due >= first);
  found.length = keep === 0 ? most : keep;
  return first;
}
