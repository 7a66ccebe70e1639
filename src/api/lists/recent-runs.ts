/**
 * The last ended runs of the jobs on one page, read from the archive on request, so that jobs which nobody
 * views cost nothing. A cached result is valid until the job has a newer run.
 */

import type { JobGlance, SchedulerHandle } from '../../scheduler/handle.ts';
import type { EndState } from '../../scheduler/model/model.ts';
import { apiLimits } from '../wire/limits.ts';

export interface RecentRun {
  readonly id: string;
  readonly state: EndState;
  readonly due: number;
}

/** Cached jobs: some pages of several viewers, a few megabytes. */
const MAX_KEPT = 5_000;
/** Concurrent reads of the archive. Each may be a round trip to the store. */
const AT_ONCE = 32;

export class RecentRuns {
  readonly #scheduler: SchedulerHandle;
  /** Per job, as of its newest ended run. */
  readonly #kept = new Map<string, { readonly newest: string; readonly runs: readonly RecentRun[] }>();

  constructor(scheduler: SchedulerHandle) {
    this.#scheduler = scheduler;
  }

  /** Returns the last ended runs of each job, newest last. */
  async of(jobs: readonly JobGlance[]): Promise<(readonly RecentRun[])[]> {
    const found: (readonly RecentRun[])[] = [];
    for (let at = 0; at < jobs.length; at += AT_ONCE) {
      found.push(...(await Promise.all(jobs.slice(at, at + AT_ONCE).map((job) => this.#ofJob(job)))));
    }
    return found;
  }

  async #ofJob({ job: { name }, state: { last } }: JobGlance): Promise<readonly RecentRun[]> {
    if (last === null) return [];
    const kept = this.#kept.get(name);
    if (kept?.newest === last.id) return kept.runs;
    const { items } = await this.#scheduler.archive.runs({ job: name, limit: apiLimits.recentRuns });
    const runs = items.map(({ id, state, due }) => ({ id, state: state as EndState, due }));
    // The run ended so recently that the archive does not have it yet.
    if (!runs.some(({ id }) => id === last.id)) runs.unshift(last);
    const recent = runs.slice(0, apiLimits.recentRuns).reverse();
    this.#kept.delete(name);
    this.#kept.set(name, { newest: last.id, runs: recent });
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value as string);
    return recent;
  }
}
