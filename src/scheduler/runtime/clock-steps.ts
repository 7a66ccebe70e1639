/** Notices that the wall clock was set, by comparing it with one that never is. */

import type { Clock } from '../ports.ts';

/** Less is drift, and what a clock does that is being brought into step; it adds up. */
export const STEP_MS = 2_000;

export class ClockSteps {
  readonly #clock: Clock;
  #apart: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#apart = clock.now() - clock.monotonicMs();
  }

  /** By how many milliseconds the wall clock was set since the last step that was taken. */
  get untakenMs(): number {
    return Math.round(this.#clock.now() - this.#clock.monotonicMs() - this.#apart);
  }

  /** Likewise; 0 when it was not set. */
  take(): number {
    const byMs = this.untakenMs;
    if (Math.abs(byMs) <= STEP_MS) return 0;
    this.#apart += byMs;
    return byMs;
  }
}
