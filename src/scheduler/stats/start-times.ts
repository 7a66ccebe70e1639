/**
 * Start latency: from an attempt's decision until its engine has started it, by engine. Counted in memory by
 * the leader, for attempts that it decided itself: attempts of an earlier leader waited for the takeover,
 * which says nothing about the engine.
 */

import type { Histogram } from 'hdr-histogram-js';
import type { Attempt } from '../model/model.ts';
import { MAX_VALUE_MS, newHistogram, type Summary, summaryOf } from './stats.ts';

export class StartTimes {
  /** One per configured engine, of tens of kilobytes. */
  readonly #byEngine = new Map<string, Histogram>();

  /** Counts a started attempt. */
  count({ engine, createdAt, startedAt }: Attempt): void {
    if (startedAt === null) return;
    let histogram = this.#byEngine.get(engine);
    if (histogram === undefined) {
      histogram = newHistogram();
      this.#byEngine.set(engine, histogram);
    }
    histogram.recordValue(Math.min(MAX_VALUE_MS, Math.max(0, startedAt - createdAt)));
  }

  /** In milliseconds. Null if nothing was started yet. */
  summary(engine: string): Summary | null {
    const histogram = this.#byEngine.get(engine);
    return histogram === undefined ? null : summaryOf(histogram);
  }
}
