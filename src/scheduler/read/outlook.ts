/**
 * Estimates when a run and all downstream jobs will end, from each job's usual duration and the longest path
 * through its dependents. An estimate for people: it ignores occupied slots and other parents.
 */

import { reach } from '../../dag/reach.ts';
import type { JobGlance, JobReader, Steps } from '../handle.ts';
import type { Run } from '../model/model.ts';
import { remainingMs, runTimes } from '../stats/run-times.ts';

/** Timestamps: the median estimate, and the 95th percentile. */
export interface Forecast {
  readonly p50: number;
  readonly p95: number;
}

type Around = Pick<JobReader, 'glance' | 'childrenOf'>;

/** Computes several forecasts over the same jobs and caches visited paths. */
export class Outlook {
  readonly #around: Around;
  readonly #below = new Map<string, Forecast>();

  constructor(around: Around) {
    this.#around = around;
  }

  /** When the job's run will end if nothing goes wrong. Null without enough data. */
  ofRun(job: JobGlance, run: Run | null, now: number): Forecast | null {
    const startedAt = run?.state === 'running' ? (run.attempts.at(-1)?.startedAt ?? null) : null;
    const left = remainingMs(runTimes(job.stats), startedAt === null ? 0 : Math.max(0, now - startedAt));
    if (left === null) return null;
    const from = Math.max(now, run?.notBefore ?? now);
    return { p50: from + left.p50, p95: from + left.p95 };
  }

  /** Number of jobs that depend on it, directly or indirectly. */
  *dependents(name: string): Steps<number> {
    let count = 0;
    for (const _ of reach(name, this.#around.childrenOf)) {
      count++;
      yield;
    }
    return count;
  }

  /** Time that all downstream jobs take after the job has ended, in milliseconds. */
  *below(name: string): Steps<Forecast> {
    // Iterative: chains may be longer than the call stack allows.
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
