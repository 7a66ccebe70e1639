/**
 * Figures of all jobs for monitoring, and those of single jobs up to a limit. A leader and its followers have
 * the same: they are read from stored state, of which each node has a copy.
 */

import type { JobGlance, JobReader, JobStatus, Steps } from '../handle.ts';
import type { EndState, JobStats, Run } from '../model/model.ts';
import { readyAt } from '../model/run-state.ts';
import { type Buckets, storedBuckets } from '../stats/tally.ts';
import { lateness } from './late.ts';
import { statusOf } from './view.ts';

/** Upper bounds in seconds. Few, because each is a series per job. */
const durationBounds = [0.1, 1, 5, 15, 60, 300, 900, 3_600, 10_800, 43_200];
const latenessBounds = [0.1, 0.5, 1, 5, 15, 60, 300, 3_600];

export interface Figures {
  readonly byStatus: Readonly<Record<JobStatus, number>>;
  readonly late: number;
  readonly failing: number;
  readonly runs: ReadonlyMap<string, number>;
  /** The earliest time at which a queued run could have started. Null if none is queued. */
  readonly queuedSince: number | null;
  /** Single jobs, by name. */
  readonly jobs: readonly JobFigures[];
  /** Jobs without figures of their own: beyond the limit, or not selected. */
  readonly omitted: number;
}

export interface JobFigures {
  readonly name: string;
  /** Another job of the same name has another. */
  readonly createdAt: number;
  readonly ended: readonly (readonly [JobEnd, number])[];
  readonly times: JobTimes | null;
  readonly lastSucceededAt: number | null;
  readonly lastFailedAt: number | null;
  readonly last: { readonly state: EndState; readonly endedAt: number } | null;
  readonly consecutiveFailures: number;
  readonly late: boolean;
}

export interface JobTimes {
  readonly duration: Buckets;
  readonly startLateness: Buckets;
}

/** Ends that are counted by job: `failed` includes timed-out and lost runs. */
type JobEnd = 'succeeded' | 'failed' | 'killed' | 'skipped' | 'missed';

export interface FiguresOptions {
  readonly now: number;
  /** Unfinished runs. */
  readonly runs: Iterable<Run>;
  /** Maximum number of single jobs. */
  readonly most: number;
  readonly isWanted: (job: JobGlance) => boolean;
}

/** Reads all jobs and unfinished runs once. */
export function* figuresOf(
  { ranked, lacking }: JobReader,
  { now, runs, most, isWanted }: FiguresOptions,
): Steps<Figures> {
  const byStatus = { active: 0, paused: 0, disabled: 0, completed: 0 };
  let late = 0;
  let failing = 0;
  const jobs: JobFigures[] = [];
  const all = yield* ranked('name', false);
  for (let at = 0; at < all.count; at++) {
    yield;
    const job = all.at(at);
    byStatus[statusOf(job)] += 1;
    const isLate = lateness(job, now, lacking) !== null;
    if (isLate) late += 1;
    if (job.state.consecutiveFailures > 0) failing += 1;
    if (jobs.length < most && isWanted(job)) jobs.push(figuresOfJob(job, isLate));
  }
  return {
    byStatus,
    late,
    failing,
    ...(yield* unfinished(runs)),
    jobs,
    omitted: all.count - jobs.length,
  };
}

function* unfinished(all: Iterable<Run>): Steps<Pick<Figures, 'runs' | 'queuedSince'>> {
  const runs = new Map<string, number>();
  let queuedSince: number | null = null;
  for (const run of all) {
    runs.set(run.state, (runs.get(run.state) ?? 0) + 1);
    if (run.state === 'queued') queuedSince = Math.min(queuedSince ?? readyAt(run), readyAt(run));
    yield;
  }
  return { runs, queuedSince };
}

function figuresOfJob({ job, state, stats }: JobGlance, late: boolean): JobFigures {
  const { succeeded, failed, killed, skipped, missed } = state;
  return {
    name: job.name,
    createdAt: job.createdAt,
    ended: [
      ['succeeded', succeeded],
      ['failed', failed - killed],
      ['killed', killed],
      ['skipped', skipped],
      ['missed', missed],
    ],
    times: stats === null ? null : timesOf(stats),
    lastSucceededAt: state.lastSucceededAt,
    lastFailedAt: state.lastFailedAt,
    last: state.last,
    consecutiveFailures: state.consecutiveFailures,
    late,
  };
}

/** Statistics are never changed in place, so each is decoded once. */
const decoded = new WeakMap<JobStats, JobTimes>();

function timesOf(stats: JobStats): JobTimes {
  let times = decoded.get(stats);
  if (times === undefined) {
    times = {
      duration: storedBuckets(stats, 'runTime', durationBounds),
      startLateness: storedBuckets(stats, 'startLateness', latenessBounds),
    };
    decoded.set(stats, times);
  }
  return times;
}
