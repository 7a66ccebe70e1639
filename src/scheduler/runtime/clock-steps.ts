/** Detects steps of the wall clock by comparing it with the monotonic clock. */

import type { Clock } from '../ports.ts';

/** Smaller differences are drift or a clock being adjusted gradually; they add up. */
export const STEP_MS = 2_000;

export class ClockSteps {
  readonly #clock: Clock;
  #apart: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#apart = clock.now() - clock.monotonicMs();
  }

  /** The step of the wall clock, in milliseconds, since the last call of `take`. */
  get pendingMs(): number {
    return Math.round(this.#clock.now() - this.#clock.monotonicMs() - this.#apart);
  }

  /** Returns the step and resets it; 0 if the clock was not set. */
  take(): number {
    const byMs = this.pendingMs;
    if (Math.abs(byMs) <= STEP_MS) return 0;
    this.#apart += byMs;
    return byMs;
  }
}
