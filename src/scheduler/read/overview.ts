/** What needs attention: late, failing and running jobs, and those due within the hour. */

import type { JobGlance, JobReader, JobStatus, Steps } from '../handle.ts';
import type { Run } from '../model/model.ts';
import { isRunning } from '../model/run-state.ts';
import { type Late, lateness } from './late.ts';
import { type Forecast, Outlook } from './outlook.ts';
import { sorted } from './sorted.ts';
import { nextDueOf, statusOf } from './view.ts';

const HOUR_MS = 3_600_000;

/** The first items of a list, and the length of the whole list. */
export interface First<T> {
  readonly total: number;
  readonly items: readonly T[];
}

export interface Overview {
  readonly counts: Readonly<Counts>;
  /** The longest late first. */
  readonly late: First<
    LateJob & Downstream & { readonly done: Forecast | null; readonly allDone: Forecast | null }
  >;
  /** The most failures first. */
  readonly failing: First<{ readonly job: JobGlance } & Downstream>;
  /** The oldest due time first. */
  readonly running: First<RunningRun & { readonly done: Forecast | null }>;
  /** By due time. */
  readonly nextHour: First<DueJob>;
}

type Counts = Record<JobStatus | 'jobs' | 'failing' | 'late' | 'running' | 'waiting', number>;
type LateJob = { readonly job: JobGlance; readonly late: Late };
type RunningRun = { readonly job: JobGlance; readonly run: Run };
type DueJob = { readonly job: JobGlance; readonly due: number };
type Downstream = {
  /** Number of jobs that depend on it, directly or not. */
  readonly dependents: number;
};

/** Reads all jobs once; each list has at most `most` items. */
export function* overviewOf(
  reader: JobReader,
  { now, most }: { now: number; most: number },
): Steps<Overview> {
  const { counts, late, failing, running, soon } = yield* readAll(reader, now);
  const outlook = new Outlook(reader);
  const lateItems: Overview['late']['items'][number][] = [];
  for (const each of yield* first(late, most, bySince)) {
    const dependents = yield* outlook.dependents(each.job.job.name);
    lateItems.push({ ...each, dependents, ...(yield* ends(each, outlook, now)) });
  }
  const failingItems: Overview['failing']['items'][number][] = [];
  for (const job of yield* first(failing, most, byFailures))
    failingItems.push({ job, dependents: yield* outlook.dependents(job.job.name) });
  const runningItems = (yield* first(running, most, byDueOfRun)).map(({ job, run }) => {
    return { job, run, done: outlook.ofRun(job, run, now) };
  });
  return {
    counts: { ...counts, failing: failing.length, late: late.length, running: running.length },
    late: { total: late.length, items: lateItems },
    failing: { total: failing.length, items: failingItems },
    running: { total: running.length, items: runningItems },
    nextHour: { total: soon.length, items: yield* first(soon, most, byDue) },
  };
}

interface JobsFound {
  readonly counts: Counts;
  readonly late: LateJob[];
  readonly failing: JobGlance[];
  readonly running: RunningRun[];
  readonly soon: DueJob[];
}

function* readAll({ ranked, lacking }: JobReader, now: number): Steps<JobsFound> {
  const jobs = yield* ranked('name', false);
  const found: JobsFound = { counts: none(jobs.count), late: [], failing: [], running: [], soon: [] };
  for (let at = 0; at < jobs.count; at++) {
    yield;
    const job = jobs.at(at);
    found.counts[statusOf(job)]++;
    for (const run of job.runs) {
      if (isRunning(run.state)) found.running.push({ job, run });
      else found.counts.waiting++;
    }
    if (job.state.consecutiveFailures > 0) found.failing.push(job);
    const late = lateness(job, now, lacking);
    if (late !== null) found.late.push({ job, late });
    const due = nextDueOf(job);
    if (due !== null && due <= now + HOUR_MS) found.soon.push({ job, due });
  }
  return found;
}

const none = (jobs: number): Counts => ({
  jobs,
  active: 0,
  paused: 0,
  disabled: 0,
  completed: 0,
  failing: 0,
  late: 0,
  running: 0,
  waiting: 0,
});

/** When the late job will probably have ended, and with it all its downstream jobs. */
function* ends({ job, late }: LateJob, outlook: Outlook, now: number) {
  const done = outlook.ofRun(job, late.run, now);
  const below = yield* outlook.below(job.job.name);
  return { done, allDone: done && { p50: done.p50 + below.p50, p95: done.p95 + below.p95 } };
}

function* first<T>(found: readonly T[], most: number, order: Order<T>): Steps<T[]> {
  return (yield* sorted(found, order)).slice(0, most);
}

type Order<T> = (a: T, b: T) => number;
const byName: Order<{ readonly job: JobGlance }> = (a, b) => (a.job.job.name < b.job.job.name ? -1 : 1);
const bySince: Order<LateJob> = (a, b) => a.late.since - b.late.since || byName(a, b);
const byFailures: Order<JobGlance> = (a, b) =>
  b.state.consecutiveFailures - a.state.consecutiveFailures || (a.job.name < b.job.name ? -1 : 1);
const byDueOfRun: Order<RunningRun> = (a, b) => a.run.due - b.run.due || byName(a, b);
const byDue: Order<DueJob> = (a, b) => a.due - b.due || byName(a, b);
