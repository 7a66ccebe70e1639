/** Runs whose spans wait to be exported: bounded by number and by memory. The oldest are dropped first. */

import type { Run } from '../scheduler/model/model.ts';
import { spanCount } from './spans.ts';

export interface Bounds {
  readonly runs: number;
  readonly bytes: number;
}

interface Waiting {
  readonly run: Run;
  readonly bytes: number;
}

export class Queue {
  readonly #bounds: Bounds;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #spans = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** Number of spans that wait. */
  get spans(): number {
    return this.#spans;
  }

  /** Returns the number of spans that had to be dropped for it. */
  add(run: Run): number {
    const added = { run, bytes: bytesOf(run) };
    this.#waiting.push(added);
    this.#bytes += added.bytes;
    this.#spans += spanCount(run);
    let dropped = 0;
    while (this.#waiting.length > this.#bounds.runs || this.#bytes > this.#bounds.bytes)
      dropped += this.#remove(1).reduce((sum, each) => sum + spanCount(each), 0);
    return dropped;
  }

  /** The oldest runs, at most `runs` of them. More than one only if they have `bytes` together. */
  take({ runs, bytes }: Bounds): Run[] {
    let count = 0;
    let size = 0;
    for (const each of this.#waiting) {
      size += each.bytes;
      if (count === runs || (count > 0 && size > bytes)) break;
      count += 1;
    }
    return this.#remove(count);
  }

  /** Returns the number of spans. */
  clear(): number {
    const spans = this.#spans;
    this.#remove(this.#waiting.length);
    return spans;
  }

  #remove(count: number): Run[] {
    const removed = this.#waiting.splice(0, count);
    for (const { run, bytes } of removed) {
      this.#bytes -= bytes;
      this.#spans -= spanCount(run);
    }
    return removed.map(({ run }) => run);
  }
}

/** Of its fields whose length is fixed or bounded elsewhere, and the same of an attempt. */
const PLAIN_BYTES = 1_024;
const REFERENCE_BYTES = 128;

/** Roughly what the run takes in memory, and its spans in a request. */
export function bytesOf({ attempts, params, trigger }: Run): number {
  const parents = trigger.kind === 'parents' ? trigger.runs.length : 0;
  const texts = Object.entries(params).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return PLAIN_BYTES * (1 + attempts.length) + REFERENCE_BYTES * parents + 2 * texts;
}
