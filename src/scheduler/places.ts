/**
 * Limits on what may be under way at once: per job, per pool, per engine. A run that finds no place waits in
 * the queue of the limit that stopped it, ordered by priority, then due instant; it never holds up others.
 */

import type { Run } from './model.ts';

/** One limit that applies to a run: `pool:etl` has 4 places. */
export interface Limit {
  readonly key: string;
  readonly places: number;
  /** For people: `pool etl`. */
  readonly label: string;
}

export class Places {
  readonly #taken = new Map<string, number>();
  readonly #held = new Map<string, readonly string[]>();
  readonly #queues = new Map<string, Run[]>();

  /** The first limit without a free place; null when all have one. */
  full(limits: readonly Limit[]): Limit | null {
    return limits.find((limit) => (this.#taken.get(limit.key) ?? 0) >= limit.places) ?? null;
  }

  /** Takes one place of each, until `release` of the same run. */
  take(run: Run, limits: readonly Limit[]): void {
    if (limits.length === 0) return;
    const keys = limits.map((limit) => limit.key);
    for (const key of keys) this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
    this.#held.set(run.id, keys);
  }

  /** Gives back what the run holds and answers the keys that have a place more now. */
  release(run: Run): readonly string[] {
    const keys = this.#held.get(run.id) ?? [];
    this.#held.delete(run.id);
    for (const key of keys) {
      const left = (this.#taken.get(key) ?? 1) - 1;
      if (left === 0) this.#taken.delete(key);
      else this.#taken.set(key, left);
    }
    return keys;
  }

  wait(key: string, run: Run): void {
    const queue = this.#queues.get(key);
    if (queue === undefined) {
      this.#queues.set(key, [run]);
      return;
    }
    let low = 0;
    let high = queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (startsBefore(run, queue[middle] as Run)) high = middle;
      else low = middle + 1;
    }
    queue.splice(low, 0, run);
  }

  /** Takes the first of those that wait for `key`; whether it still waits is for the caller to check. */
  next(key: string): Run | null {
    const queue = this.#queues.get(key);
    const run = queue?.shift() ?? null;
    if (queue?.length === 0) this.#queues.delete(key);
    return run;
  }
}

/** The order of starts: priority, then due instant, then id. */
export function startsBefore(a: Run, b: Run): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.due !== b.due) return a.due < b.due;
  return a.id < b.id;
}
