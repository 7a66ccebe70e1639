/** Unfinished backfills with their plans, in the order in which they were made. */

import { invariant } from '../../errors.ts';
import type { Backfill, BackfillPlan } from '../model/backfill.ts';

/** Ended ones whose id is remembered, so that a repeated request makes no second one. */
const MAX_ENDED = 1_000;

export class Backfills {
  readonly #open = new Map<string, Backfill>();
  readonly #plans = new Map<string, BackfillPlan>();
  readonly #ended = new Map<string, Backfill>();

  get size(): number {
    return this.#open.size;
  }

  get(id: string): Backfill | undefined {
    return this.#open.get(id);
  }

  /** One that has ended while this node knew it, if it is remembered. */
  ended(id: string): Backfill | undefined {
    return this.#ended.get(id);
  }

  plan(id: string): BackfillPlan {
    const plan = this.#plans.get(id);
    invariant(plan !== undefined, `the backfill ${id} has no plan`);
    return plan;
  }

  all(): Backfill[] {
    return [...this.#open.values()].sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  }

  put(backfill: Backfill): void {
    this.#open.set(backfill.id, backfill);
  }

  putPlan(plan: BackfillPlan): void {
    this.#plans.set(plan.id, plan);
  }

  end(backfill: Backfill): void {
    this.#open.delete(backfill.id);
    this.#plans.delete(backfill.id);
    this.#ended.set(backfill.id, backfill);
    if (this.#ended.size > MAX_ENDED) this.#ended.delete(this.#ended.keys().next().value as string);
  }
}
