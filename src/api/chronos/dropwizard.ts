/**
 * Metrics as Chronos answers them: Dropwizard's JSON. Run times are in milliseconds, over all time and not over
 * the last minutes.
 */

import { shownName } from '../../scheduler/chronos/names.ts';
import type { SchedulerHandle } from '../../scheduler/handle.ts';
import type { JobStats } from '../../scheduler/model.ts';
import { allTime, percentileOf, summarise } from '../../scheduler/stats.ts';
import { jobsThat } from '../job-filter.ts';
import { isWaiting } from '../to-wire.ts';

const tasks = 'org.apache.mesos.chronos.scheduler.jobs.TaskManager';

export async function dropwizardMetrics(scheduler: SchedulerHandle): Promise<object> {
  const counters: Record<string, { count: number }> = {};
  const histograms: Record<string, object> = {};
  for await (const { job, state, stats } of jobsThat(scheduler, {})) {
    const name = shownName(job.definition);
    counters[`jobs.run.success.${name}`] = { count: state.succeeded };
    counters[`jobs.run.failure.${name}`] = { count: state.failed - state.killed };
    histograms[`jobs.run.time.${name}`] = histogramOf(stats);
  }
  let queued = 0;
  let urgent = 0;
  for (const { state, priority } of scheduler.liveRuns()) {
    if (!isWaiting(state)) continue;
    if (priority > 0) urgent += 1;
    else queued += 1;
  }
  return {
    version: '3.0.0',
    gauges: { [`${tasks}.highQueueSize`]: { value: urgent }, [`${tasks}.queueSize`]: { value: queued } },
    counters,
    histograms,
    meters: {},
    timers: {},
  };
}

function histogramOf(stats: JobStats | null): object {
  const runTime = stats === null ? '' : allTime(stats).runTime;
  const summary = summarise(runTime);
  if (summary === null) {
    return { count: 0, max: 0, mean: 0, min: 0, p50: 0, p75: 0, p95: 0, p98: 0, p99: 0, p999: 0 };
  }
  const { count, max, mean, p50, p75, p95, p98, p99, p999 } = summary;
  return { count, max, mean, min: percentileOf(runTime, 0), p50, p75, p95, p98, p99, p999 };
}
