/** The rows of single jobs in the table of metrics. */

import type { JobFigures } from '../../scheduler/read/figures.ts';
import type { Buckets } from '../../scheduler/stats/tally.ts';
import { type Metric, type MetricKind, seconds } from './scrape.ts';

type JobValue = number | Buckets | null;

const perJob = (
  name: string,
  kind: MetricKind,
  help: string,
  read: (job: JobFigures) => JobValue | readonly (readonly [label: string, value: number])[],
  label?: string,
): Metric => ({
  name,
  kind,
  scope: 'job',
  help,
  labels: ['job_name', ...(label === undefined ? [] : [label])],
  *read({ state }) {
    for (const job of state?.figures.jobs ?? []) {
      const value = read(job);
      if (Array.isArray(value)) for (const [each, count] of value) yield [[job.name, each], count];
      else if (value !== null) yield [[job.name], value as number | Buckets];
    }
  },
});

export const jobMetrics: readonly Metric[] = [
  perJob(
    'carillon_job_outcomes_total',
    'counter',
    'Ended runs, and due times that were skipped or missed, by outcome. failed includes timed-out and lost runs.',
    ({ ended }) => ended,
    'outcome',
  ),
  perJob(
    'carillon_job_duration_seconds',
    'histogram',
    'Durations of successful attempts, exact to 1 %.',
    ({ times }) => times?.duration ?? null,
  ),
  perJob(
    'carillon_job_start_lateness_seconds',
    'histogram',
    'Time from when a run could start to its first start, exact to 1 %.',
    ({ times }) => times?.startLateness ?? null,
  ),
  perJob(
    'carillon_job_last_success_timestamp_seconds',
    'gauge',
    'End of the last run that succeeded, in Unix time. Absent if there was none.',
    ({ lastSucceededAt }) => seconds(lastSucceededAt),
  ),
  perJob(
    'carillon_job_last_failure_timestamp_seconds',
    'gauge',
    'End of the last run that failed, timed out or was lost, in Unix time. Absent if there was none.',
    ({ lastFailedAt }) => seconds(lastFailedAt),
  ),
  perJob(
    'carillon_job_last_end_timestamp_seconds',
    'gauge',
    'End of the last run, in Unix time. The label is its end state.',
    ({ last }) => (last === null ? [] : [[last.state, last.endedAt / 1_000]]),
    'state',
  ),
  perJob(
    'carillon_job_consecutive_failures',
    'gauge',
    'Failed runs since the last one that succeeded.',
    ({ consecutiveFailures }) => consecutiveFailures,
  ),
  perJob('carillon_job_late', 'gauge', '1 if the job is late now, otherwise 0.', ({ late }) =>
    late ? 1 : 0,
  ),
];
