/**
 * Launches that were decided ahead, until they are due. Those of one instant are given on together, so that their order
 * still counts.
 */

import type { Clock } from '../ports.ts';
import { AHEAD_MS } from '../rules/due.ts';
import type { Effect } from '../state/decision.ts';

type Launch = Extract<Effect, { kind: 'launch' }>;

export interface EarlyLaunchesParts {
  readonly clock: Clock;
  readonly onDue: (launches: readonly Launch[]) => void;
}

/** It has to wait. If it were for longer, the clock was set back since its decision, and what was due stays due. */
export function isEarly({ notBefore }: Launch, now: number): boolean {
  return notBefore > now && notBefore - now <= AHEAD_MS;
}

export class EarlyLaunches {
  readonly #parts: EarlyLaunchesParts;
  readonly #launches = new Map<string, Launch>();
  #cancel: (() => void) | null = null;
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor(parts: EarlyLaunchesParts) {
    this.#parts = parts;
  }

  add(launch: Launch): void {
    this.#launches.set(launch.spec.launchName, launch);
    if (launch.notBefore < this.#wakeAt) this.#wake(launch.notBefore);
  }

  /** False if it is not among them. */
  drop(launchName: string): boolean {
    return this.#launches.delete(launchName);
  }

  clear(): void {
    this.#launches.clear();
    this.#cancel?.();
  }

  #wake(at: number): void {
    const { clock } = this.#parts;
    this.#cancel?.();
    this.#wakeAt = at;
    this.#cancel = clock.after(Math.max(0, at - clock.now()), () => this.#woken());
  }

  #woken(): void {
    const { clock, onDue } = this.#parts;
    const now = clock.now();
    const due: Launch[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const launch of this.#launches.values()) {
      // Timers may fire early.
      if (isEarly(launch, now)) next = Math.min(next, launch.notBefore);
      else due.push(launch);
    }
    for (const { spec } of due) this.#launches.delete(spec.launchName);
    this.#wakeAt = Number.POSITIVE_INFINITY;
    if (next !== this.#wakeAt) this.#wake(next);
    onDue(due);
  }
}
