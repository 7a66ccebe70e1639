/**
 * Percentile statistics. A job's histograms are kept as compact text and only decoded to count or read, so
 * that a hundred thousand jobs take megabytes. Buckets are those of an HDR histogram with two significant
 * digits (error below 1 %); reading uses hdr-histogram-js.
 */

import { build, type Histogram } from 'hdr-histogram-js';
import type { Histograms, JobStats, PackedHistogram } from '../model/model.ts';

export interface Summary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p95: number;
  readonly p98: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Larger values count as this one: over 300 years, or 10 TB, and still exact arithmetic. */
export const MAX_VALUE_MS = 1e13;
const SIGNIFICANT_DIGITS = 2;
/** Smaller values are counted exactly; above, the bucket width doubles with each doubling of the value. */
const EXACT_BELOW = 256;

export const emptyHistograms: Histograms = Object.freeze({
  runTime: '',
  failedRunTime: '',
  startLateness: '',
  queueWait: '',
  cpuTime: '',
  peakMemory: '',
});
export const histogramNames = Object.keys(emptyHistograms) as readonly (keyof Histograms)[];

/** Lowest value of the bucket that contains `value`. */
function bucketOf(value: number): number {
  const v = Math.min(MAX_VALUE_MS, Math.max(0, Math.round(value)));
  if (v < EXACT_BELOW) return v;
  const width = 2 ** (Math.floor(Math.log2(v)) - 7);
  return Math.floor(v / width) * width;
}

/** Highest value of the bucket that starts at `bucket`. */
function highestIn(bucket: number): number {
  return bucket < EXACT_BELOW ? bucket : bucket + 2 ** (Math.floor(Math.log2(bucket)) - 7) - 1;
}

/** Ascending [bucket, count, bucket, count, …]. Text form: `delta.count` in base 36, with `.1` omitted. */
function unpack(packed: PackedHistogram): number[] {
  const pairs: number[] = [];
  if (packed === '') return pairs;
  let bucket = 0;
  for (const entry of packed.split(',')) {
    const dot = entry.indexOf('.');
    bucket += Number.parseInt(dot < 0 ? entry : entry.slice(0, dot), 36);
    pairs.push(bucket, dot < 0 ? 1 : Number.parseInt(entry.slice(dot + 1), 36));
  }
  return pairs;
}

function pack(pairs: readonly number[]): PackedHistogram {
  let text = '';
  let previous = 0;
  for (let i = 0; i < pairs.length; i += 2) {
    const bucket = pairs[i] ?? 0;
    const count = pairs[i + 1] ?? 0;
    text += `${i === 0 ? '' : ','}${(bucket - previous).toString(36)}${count === 1 ? '' : `.${count.toString(36)}`}`;
    previous = bucket;
  }
  return text;
}

const DOT = 46;
const COMMA = 44;
const digitOf = (code: number): number => (code < 58 ? code - 48 : code - 87);

/** Counts one value. In one pass over the text, because every end of a run counts several. */
export function record(packed: PackedHistogram, value: number): PackedHistogram {
  const bucket = bucketOf(value);
  let before = 0;
  let at = 0;
  while (at < packed.length) {
    let delta = 0;
    let count = 1;
    let i = at;
    let code = packed.charCodeAt(i);
    for (; i < packed.length && code !== DOT && code !== COMMA; code = packed.charCodeAt(++i))
      delta = delta * 36 + digitOf(code);
    const counted = i;
    if (code === DOT) {
      count = 0;
      for (code = packed.charCodeAt(++i); i < packed.length && code !== COMMA; code = packed.charCodeAt(++i))
        count = count * 36 + digitOf(code);
    }
    const here = before + delta;
    if (here === bucket) return `${packed.slice(0, counted)}.${(count + 1).toString(36)}${packed.slice(i)}`;
    if (here > bucket) {
      const added = `${(bucket - before).toString(36)},${(here - bucket).toString(36)}`;
      return packed.slice(0, at) + added + packed.slice(counted);
    }
    before = here;
    at = i + 1;
  }
  return `${packed}${packed === '' ? '' : ','}${(bucket - before).toString(36)}`;
}

/** The sum of all counts; the order does not matter. */
export function mergePacked(list: readonly PackedHistogram[]): PackedHistogram {
  const counts = new Map<number, number>();
  for (const packed of list) {
    const pairs = unpack(packed);
    for (let i = 0; i < pairs.length; i += 2) {
      const bucket = pairs[i] ?? 0;
      counts.set(bucket, (counts.get(bucket) ?? 0) + (pairs[i + 1] ?? 0));
    }
  }
  return pack([...counts].sort(([a], [b]) => a - b).flat());
}

/** An empty histogram. Values above `MAX_VALUE_MS` must be limited to it. */
export function newHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: MAX_VALUE_MS * 2,
    numberOfSignificantValueDigits: SIGNIFICANT_DIGITS,
    bitBucketSize: 64,
    useWebAssembly: false,
  });
}

/** Percentiles in milliseconds. Null if nothing was counted. */
export function summarise(packed: PackedHistogram): Summary | null {
  const pairs = unpack(packed);
  if (pairs.length === 0) return null;
  const histogram = newHistogram();
  for (let i = 0; i < pairs.length; i += 2) histogram.recordValueWithCount(pairs[i] ?? 0, pairs[i + 1] ?? 0);
  return summaryOf(histogram);
}

/** For a histogram with at least one value. */
export function summaryOf(histogram: Histogram): Summary {
  const at = (percentile: number): number => histogram.getValueAtPercentile(percentile);
  return {
    count: histogram.totalCount,
    mean: Math.round(histogram.mean * 10) / 10,
    p50: at(50),
    p75: at(75),
    p90: at(90),
    p95: at(95),
    p98: at(98),
    p99: at(99),
    p999: at(99.9),
    max: at(100),
  };
}

/**
 * One percentile without decoding a histogram, for lists of many jobs: the highest value of its bucket, as in
 * `summarise`. Null if nothing was counted.
 */
export function percentileOf(packed: PackedHistogram, percentile: number): number | null {
  const pairs = unpack(packed);
  let total = 0;
  for (let i = 1; i < pairs.length; i += 2) total += pairs[i] ?? 0;
  // Minus the last bit of rounding: 99.9 % of 1,000 are 999.
  let left = Math.max(1, Math.ceil((percentile / 100) * total * (1 - Number.EPSILON)));
  for (let i = 0; i < pairs.length; i += 2) {
    left -= pairs[i + 1] ?? 0;
    if (left <= 0) return highestIn(pairs[i] ?? 0);
  }
  return null;
}

/** Number of counted values. */
export function countOf(packed: PackedHistogram): number {
  const pairs = unpack(packed);
  let total = 0;
  for (let i = 1; i < pairs.length; i += 2) total += pairs[i] ?? 0;
  return total;
}

/** The standard deviation. 0 if nothing was counted. */
export function deviationOf(packed: PackedHistogram): number {
  if (packed === '') return 0;
  const histogram = newHistogram();
  const pairs = unpack(packed);
  for (let i = 0; i < pairs.length; i += 2) histogram.recordValueWithCount(pairs[i] ?? 0, pairs[i + 1] ?? 0);
  return Math.round(histogram.stdDeviation * 10) / 10;
}

export interface Bucket {
  /** Both included. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** The counted values, ascending, without empty buckets. */
export function bucketsOf(packed: PackedHistogram): Bucket[] {
  const pairs = unpack(packed);
  const buckets: Bucket[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    const fromMs = pairs[i] ?? 0;
    buckets.push({ fromMs, toMs: highestIn(fromMs), count: pairs[i + 1] ?? 0 });
  }
  return buckets;
}

/** All-time histograms: the earlier days and today. */
export function allTime(stats: JobStats): Histograms {
  return mergeHistograms([stats.before, stats.today]);
}

export function mergeHistograms(list: readonly Histograms[]): Histograms {
  const merged = { ...emptyHistograms };
  for (const name of histogramNames) merged[name] = mergePacked(list.map((h) => h[name]));
  return merged;
}

/** What one ended attempt or run adds. Absent values were not observed. */
export type Sample = Partial<Record<keyof Histograms, number>>;

/** The statistics with `sample` counted on the UTC day of `nowMs`. Does not change its input. */
export function fold(stats: JobStats | null, name: string, sample: Sample, nowMs: number): JobStats {
  const day = new Date(nowMs).toISOString().slice(0, 10);
  const base: JobStats = stats ?? { name, day, today: emptyHistograms, before: emptyHistograms };
  // A clock that was set back must not close a later day and open an earlier one.
  const opened: JobStats =
    day > base.day
      ? { name, day, today: emptyHistograms, before: mergeHistograms([base.before, base.today]) }
      : base;
  const today = { ...opened.today };
  for (const histogram of histogramNames) {
    const value = sample[histogram];
    if (value !== undefined) today[histogram] = record(today[histogram], value);
  }
  return { ...opened, today };
}
