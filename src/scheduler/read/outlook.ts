/**
 * When something that is under way will probably be done, and all that hangs on it: from how long each job
 * usually runs and from the longest way down through its dependents. A forecast for people, not a promise: it
 * knows nothing of places that are taken or of other parents.
 */

import { reach } from '../../dag/reach.ts';
import type { JobGlance, Look, Steps } from '../handle.ts';
import type { Run } from '../model/model.ts';
import { remainingMs, runTimes } from '../stats/run-times.ts';

/** Instants: if everything takes as long as usual, and if it takes as long as one time in twenty. */
export interface Forecast {
  readonly p50: number;
  readonly p95: number;
}

type Around = Pick<Look, 'glance' | 'childrenOf'>;

/** One forecast after the other over the same jobs, which remembers the ways down that it has walked. */
export class Outlook {
  readonly #around: Around;
  readonly #below = new Map<string, Forecast>();

  constructor(around: Around) {
    this.#around = around;
  }

  /** When the job's run ends if nothing goes wrong; null where too little is known. */
  ofRun(job: JobGlance, run: Run | null, now: number): Forecast | null {
    const startedAt = run?.state === 'running' ? (run.attempts.at(-1)?.startedAt ?? null) : null;
    const left = remainingMs(runTimes(job.stats), startedAt === null ? 0 : Math.max(0, now - startedAt));
    if (left === null) return null;
    const from = Math.max(now, run?.notBefore ?? now);
    return { p50: from + left.p50, p95: from + left.p95 };
  }

  /** Number of jobs that depend on it, directly or not. */
  *dependents(name: string): Steps<number> {
    let count = 0;
    for (const _ of reach(name, this.#around.childrenOf)) {
      count++;
      yield;
    }
    return count;
  }

  /** How long all below the job takes once the job is done, in milliseconds. */
  *below(name: string): Steps<Forecast> {
    // By hand and not by recursion: chains may be longer than a stack is deep.
    const pending = [name];
    while (pending.length > 0) {
      yield;
      const job = pending.at(-1) as string;
      const open = this.#around.childrenOf(job).filter((child) => !this.#below.has(child));
      if (open.length > 0 && !this.#below.has(job)) {
        for (const child of open) pending.push(child);
        continue;
      }
      pending.pop();
      if (!this.#below.has(job)) this.#below.set(job, this.#longest(job));
    }
    return this.#below.get(name) as Forecast;
  }

  #longest(name: string): Forecast {
    let p50 = 0;
    let p95 = 0;
    for (const child of this.#around.childrenOf(name)) {
      const times = runTimes(this.#around.glance(child)?.stats ?? null);
      const below = this.#below.get(child) ?? { p50: 0, p95: 0 };
      p50 = Math.max(p50, (times.p50Ms ?? 0) + below.p50);
      p95 = Math.max(p95, (times.p95Ms ?? 0) + below.p95);
    }
    return { p50, p95 };
  }
}
