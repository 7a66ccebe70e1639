/**
 * Who above a job is paused or disabled: a job that waits for its parents does not run while one of them stands still,
 * and nothing of its own says so. The nearest on each way up are found, each job is looked at once.
 */

import type { JobGlance, JobStatus, Look } from '../handle.ts';
import { statusOf } from './view.ts';

export interface Holder {
  readonly job: string;
  readonly status: Extract<JobStatus, 'paused' | 'disabled'>;
}

/** Named of each job; more would fill a page. */
const MOST = 10;
const none: readonly Holder[] = Object.freeze([]);

/** One question after the other over the same jobs, which remembers the ways up that it has walked. */
export class HeldBack {
  readonly #around: Pick<Look, 'glance' | 'parentsOf'>;
  readonly #known = new Map<string, readonly Holder[]>();

  constructor(around: Pick<Look, 'glance' | 'parentsOf'>) {
    this.#around = around;
  }

  /** The nearest first, in the order of the parents; none for a job without parents. */
  by(name: string): readonly Holder[] {
    // By hand and not by recursion: chains may be longer than a stack is deep.
    const pending = [name];
    while (pending.length > 0) {
      const job = pending.at(-1) as string;
      const open = this.#around
        .parentsOf(job)
        .filter((parent) => this.#holder(parent) === null && !this.#known.has(parent));
      if (open.length > 0 && !this.#known.has(job)) {
        pending.push(...open);
        continue;
      }
      pending.pop();
      if (!this.#known.has(job)) this.#known.set(job, this.#above(job));
    }
    return this.#known.get(name) ?? none;
  }

  #above(name: string): readonly Holder[] {
    const near: Holder[] = [];
    const far: Holder[] = [];
    for (const parent of this.#around.parentsOf(name)) {
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

/** `waits for extract, which is paused`; null where nothing holds the job back. */
export function heldBackReason(holders: readonly Holder[]): string | null {
  const [first] = holders;
  if (first === undefined) return null;
  const more = holders.length - 1;
  const others = more === 0 ? '' : `, and for ${more} more`;
  return `waits for ${first.job}, which is ${first.status}${others}`;
}
