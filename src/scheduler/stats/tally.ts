/**
 * Histograms with few, fixed buckets, as monitoring systems collect them: in seconds, with cumulative counts.
 * They are counted as values arrive, or read from a stored histogram.
 */

import type { JobStats, PackedHistogram } from '../model/model.ts';
import { bucketsOf } from './stats.ts';

export interface Buckets {
  /** Upper bounds in seconds, ascending. */
  readonly bounds: readonly number[];
  /** Number of values up to each bound, and last the number of all values. */
  readonly counts: readonly number[];
  /** Of all values, in seconds. */
  readonly sum: number;
}

/** Counts values since it was created. */
export class Tally {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  add(seconds: number): void {
    const place = this.#bounds.findIndex((bound) => seconds <= bound);
    this.#counts[place < 0 ? this.#bounds.length : place]! += 1;
    this.#sum += seconds;
  }

  buckets(): Buckets {
    return { bounds: this.#bounds, counts: cumulative(this.#counts), sum: this.#sum };
  }
}

/** The all-time durations of a job. As in the stored histogram, values are exact to 1 %. */
export function storedBuckets(
  { before, today }: JobStats,
  measure: 'runTime' | 'startLateness',
  bounds: readonly number[],
): Buckets {
  const counts = new Array<number>(bounds.length + 1).fill(0);
  const sumMs = fill(before[measure], bounds, counts) + fill(today[measure], bounds, counts);
  return { bounds, counts: cumulative(counts), sum: sumMs / 1_000 };
}

/** Returns the sum of the values: each counts as the middle of its stored bucket. */
function fill(packed: PackedHistogram, bounds: readonly number[], counts: number[]): number {
  let sumMs = 0;
  let place = 0;
  for (const { fromMs, toMs, count } of bucketsOf(packed)) {
    while (place < bounds.length && fromMs > (bounds[place] as number) * 1_000) place += 1;
    counts[place]! += count;
    sumMs += ((fromMs + toMs) / 2) * count;
  }
  return sumMs;
}

function cumulative(counts: readonly number[]): number[] {
  let sum = 0;
  return counts.map((count) => {
    sum += count;
    return sum;
  });
}
