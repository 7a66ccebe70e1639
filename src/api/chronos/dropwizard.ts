/**
 * Metrics in Chronos' form: Dropwizard's JSON. Run times are in milliseconds and all-time, not over the last
 * minutes. The values that dashboards read as the JVM heap are the heap of this process.
 */

import { getHeapStatistics } from 'node:v8';
import { shownName } from '../../scheduler/chronos/names.ts';
import type { JobStats } from '../../scheduler/model/model.ts';
import { isWaiting } from '../../scheduler/model/run-state.ts';
import { allTime, deviationOf, percentileOf, summarise } from '../../scheduler/stats/stats.ts';
import type { Reading } from '../context.ts';
import { jobsThat } from '../lists/job-filter.ts';

const tasks = 'org.apache.mesos.chronos.scheduler.jobs.TaskManager';

/** `ofJobs`: with those of jobs. */
export async function dropwizardMetrics(reading: Reading, ofJobs: boolean): Promise<object> {
  const counters: Record<string, { count: number }> = {};
  const histograms: Record<string, object> = {};
  for await (const { job, state, stats } of ofJobs ? jobsThat(reading, {}) : []) {
    const name = shownName(job.definition);
    counters[`jobs.run.success.${name}`] = { count: state.succeeded };
    counters[`jobs.run.failure.${name}`] = { count: state.failed - state.killed };
    histograms[`jobs.run.time.${name}`] = histogramOf(stats);
  }
  let queued = 0;
  let urgent = 0;
  for (const { state, priority } of reading.scheduler.liveRuns()) {
    if (!isWaiting(state)) continue;
    if (priority > 0) urgent += 1;
    else queued += 1;
  }
  return {
    version: '3.0.0',
    gauges: {
      ...heapGauges(),
      [`${tasks}.highQueueSize`]: { value: urgent },
      [`${tasks}.queueSize`]: { value: queued },
    },
    counters,
    histograms,
    meters: {},
    timers: {},
  };
}

/** In bytes, as in Java, which prints -1 for an unknown initial size. */
function heapGauges(): Record<string, { value: number }> {
  const { total_heap_size: committed, used_heap_size: used, heap_size_limit: max } = getHeapStatistics();
  const values = { committed, init: -1, max, usage: used / max, used };
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`jvm.memory.heap.${name}`, { value }]),
  );
}

const noTimes = {
  count: 0,
  max: 0,
  mean: 0,
  min: 0,
  p50: 0,
  p75: 0,
  p95: 0,
  p98: 0,
  p99: 0,
  p999: 0,
  stddev: 0,
};

function histogramOf(stats: JobStats | null): object {
  const runTime = stats === null ? '' : allTime(stats).runTime;
  const summary = summarise(runTime);
  if (summary === null) return noTimes;
  const { count, max, mean, p50, p75, p95, p98, p99, p999 } = summary;
  const min = percentileOf(runTime, 0);
  return { count, max, mean, min, p50, p75, p95, p98, p99, p999, stddev: deviationOf(runTime) };
}

/**
 * Chronos had one form, so clients that send no Accept header, such as its exporters and chronos-python, get
 * JSON, and so do clients that prefer JSON to text. Prometheus requests text; curl accepts anything.
 */
export function asksForDropwizard(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true;
  const json = preference(accept, 'application/json');
  const text = preference(accept, 'text/plain');
  return json > text || (json > 0 && json === text && /\bapplication\/json\b/i.test(accept));
}

/** The weight of a media type in an Accept header, by the most specific range. 0: not acceptable. */
function preference(accept: string, type: string): number {
  const ranges = new Map<string, number>();
  for (const range of accept.toLowerCase().split(',')) {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    ranges.set(name, weight === undefined ? 1 : Number(weight.slice(2)) || 0);
  }
  return ranges.get(type) ?? ranges.get(`${type.split('/', 1)[0]}/*`) ?? ranges.get('*/*') ?? 0;
}
