/**
 * Finds paused or disabled ancestors: a job does not run while a parent is paused, and its own status does
 * not show it. Finds the nearest on each path and visits each job once.
 */

import type { JobGlance, JobReader, JobStatus } from '../handle.ts';
import type { Reason } from '../model/reason.ts';
import { statusOf } from './view.ts';

export interface Holder {
  readonly job: string;
  readonly status: Extract<JobStatus, 'paused' | 'disabled'>;
}

/** Maximum number per job; more would fill a page. */
const MOST = 10;
/** Ancestors that one query looks at: a few milliseconds. What is further away is taken to be active. */
export const MAX_LOOKED_AT = 5_000;
const none: readonly Holder[] = Object.freeze([]);

/** Answers several queries over the same jobs and caches visited paths. */
export class HeldBack {
  readonly #around: Pick<JobReader, 'glance' | 'parentsOf'>;
  readonly #known = new Map<string, readonly Holder[]>();

  constructor(around: Pick<JobReader, 'glance' | 'parentsOf'>) {
    this.#around = around;
  }

  /** Nearest first, in the order of the parents. Empty for a job without parents. */
  by(name: string): readonly Holder[] {
    // Iterative: chains may be longer than the call stack allows.
    const pending = [name];
    /** Jobs with ancestors that were not looked at. What is found for them is not kept: another query may be nearer. */
    const incomplete = new Set<string>();
    let lookedAt = 0;
    while (pending.length > 0) {
      const job = pending.at(-1) as string;
      const parents = this.#around.parentsOf(job);
      const open = parents.filter((parent) => this.#holder(parent) === null && !this.#known.has(parent));
      if (open.length > 0 && !this.#known.has(job) && lookedAt < MAX_LOOKED_AT) {
        lookedAt += open.length;
        pending.push(...open);
        continue;
      }
      pending.pop();
      if (this.#known.has(job)) continue;
      this.#known.set(job, this.#above(parents));
      if (open.length > 0 || parents.some((parent) => incomplete.has(parent))) incomplete.add(job);
    }
    const holders = this.#known.get(name) ?? none;
    for (const job of incomplete) this.#known.delete(job);
    return holders;
  }

  #above(parents: readonly string[]): readonly Holder[] {
    const near: Holder[] = [];
    const far: Holder[] = [];
    for (const parent of parents) {
      const holder = this.#holder(parent);
      if (holder !== null) near.push(holder);
      else far.push(...(this.#known.get(parent) ?? none));
    }
    if (near.length + far.length === 0) return none;
    const all = new Map([...near, ...far].map((holder) => [holder.job, holder]));
    return [...all.values()].slice(0, MOST);
  }

  #holder(name: string): Holder | null {
    const glance: JobGlance | undefined = this.#around.glance(name);
    const status = glance === undefined ? null : statusOf(glance);
    return status === 'paused' || status === 'disabled' ? { job: name, status } : null;
  }
}

/** `held back by extract, which is paused`. Null if nothing blocks the job. */
export function heldBackReason(holders: readonly Holder[]): Reason | null {
  const [first] = holders;
  return first === undefined ? null : { code: 'parent-idle', ...first, more: holders.length - 1 };
}
