/**
 * Keeps the counters of jobs from going back. A leader reads from memory what it has decided and not committed
 * yet. If the commit fails, it loads the older state again, and Prometheus would take the lower value for a
 * restart and count everything a second time. So each value is at least what was reported before.
 */

import type { JobFigures, JobTimes } from '../../scheduler/read/figures.ts';
import type { Buckets } from '../../scheduler/stats/tally.ts';

type Counted = Pick<JobFigures, 'createdAt' | 'ended' | 'times'>;

export class Rising {
  readonly #reported = new Map<string, Counted>();

  /** The figures to report. */
  raise(job: JobFigures): JobFigures {
    const raised = raise(job, this.#reported.get(job.name));
    const { name, createdAt, ended, times } = raised;
    this.#reported.set(name, { createdAt, ended, times });
    return raised;
  }

  /** Forgets all other jobs. */
  keepOnly(jobs: readonly JobFigures[]): void {
    if (this.#reported.size === jobs.length) return;
    const names = new Set(jobs.map(({ name }) => name));
    for (const name of this.#reported.keys()) if (!names.has(name)) this.#reported.delete(name);
  }
}

function raise(job: JobFigures, before: Counted | undefined): JobFigures {
  // A job that was deleted and created again has counters of its own.
  if (before === undefined || before.createdAt !== job.createdAt) return job;
  const ended = job.ended.map(([end, count], place) => {
    return [end, Math.max(count, before.ended[place]?.[1] ?? 0)] as const;
  });
  return { ...job, ended, times: raiseTimes(job.times, before.times) };
}

function raiseTimes(now: JobTimes | null, before: JobTimes | null): JobTimes | null {
  if (now === null || before === null || now === before) return now ?? before;
  return {
    duration: raiseBuckets(now.duration, before.duration),
    startLateness: raiseBuckets(now.startLateness, before.startLateness),
  };
}

const raiseBuckets = (now: Buckets, before: Buckets): Buckets => ({
  bounds: now.bounds,
  counts: now.counts.map((count, place) => Math.max(count, before.counts[place] ?? 0)),
  sum: Math.max(now.sum, before.sum),
});
