/** The slowest jobs, and those that fail most. */

import type { JobGlance, JobReader, Steps } from '../handle.ts';
import { runTimes } from '../stats/run-times.ts';
import { sorted } from './sorted.ts';

/** By a percentile of the run time, or by the number of failed runs. */
export const topOrders = ['p95', 'p50', 'failures'] as const;
export type TopOrder = (typeof topOrders)[number];

export interface TopJob {
  readonly job: JobGlance;
  readonly value: number;
}

const values: Readonly<Record<TopOrder, (job: JobGlance) => number | null>> = {
  p95: ({ stats }) => runTimes(stats).p95Ms,
  p50: ({ stats }) => runTimes(stats).p50Ms,
  failures: ({ state }) => (state.failed === 0 ? null : state.failed),
};

/** The first `most` jobs, largest value first, then by name; jobs without a value are left out. */
export function* topJobs(
  { ranked }: JobReader,
  { by, most }: { by: TopOrder; most: number },
): Steps<TopJob[]> {
  const jobs = yield* ranked('name', false);
  const found: TopJob[] = [];
  for (let at = 0; at < jobs.count; at++) {
    yield;
    const job = jobs.at(at);
    const value = values[by](job);
    if (value !== null) found.push({ job, value });
  }
  // Stable: jobs with equal values stay in order of name.
  return (yield* sorted(found, (a, b) => b.value - a.value)).slice(0, most);
}
