/**
 * How long starts take: from an attempt's decision until its engine has started it, by engine. Counted by the
 * leader, in memory, of the attempts that it decided itself: what an older leader decided waited for the
 * take-over, which says nothing about the engine.
 */

import type { Histogram } from 'hdr-histogram-js';
import type { Attempt } from '../model/model.ts';
import { MAX_VALUE_MS, newHistogram, type Summary, summaryOf } from './stats.ts';

export class StartTimes {
  /** As many as engines are configured: tens of kilobytes each. */
  readonly #byEngine = new Map<string, Histogram>();

  /** Counts an attempt that was started. */
  count({ engine, createdAt, startedAt }: Attempt): void {
    if (startedAt === null) return;
    let histogram = this.#byEngine.get(engine);
    if (histogram === undefined) {
      histogram = newHistogram();
      this.#byEngine.set(engine, histogram);
    }
    histogram.recordValue(Math.min(MAX_VALUE_MS, Math.max(0, startedAt - createdAt)));
  }

  /** Milliseconds; null when nothing was started yet. */
  summary(engine: string): Summary | null {
    const histogram = this.#byEngine.get(engine);
    return histogram === undefined ? null : summaryOf(histogram);
  }
}
