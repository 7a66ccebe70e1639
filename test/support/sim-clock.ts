/** A clock that moves only when told to: wall time may be set, timers fire in order of their instants. */

import type { Clock } from '../../src/scheduler/ports.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Rounds without a due timer after which asynchronous work counts as done. */
const QUIET_ROUNDS = 3;

export class SimClock implements Clock {
  #wall: number;
  #monotonic = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(wallMs: number) {
    this.#wall = wallMs;
  }

  now(): number {
    return this.#wall;
  }

  monotonicMs(): number {
    return this.#monotonic;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#monotonic + Math.max(0, Math.ceil(delayMs)), order: this.#order++, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Sets the wall clock without any time passing. */
  step(byMs: number): void {
    this.#wall += byMs;
  }

  /** Lets all that can happen now happen, no time passing. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_ROUNDS; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#fireDue()) quiet = 0;
    }
  }

  /** Lets time pass, stopping at each timer on the way. */
  async advance(byMs: number): Promise<void> {
    // Whole milliseconds: sums of fractions might never meet.
    const until = this.#monotonic + Math.round(byMs);
    await this.settle();
    for (let next = this.#next(); next !== null && next.at <= until; next = this.#next()) {
      this.#pass(next.at - this.#monotonic);
      await this.settle();
    }
    this.#pass(until - this.#monotonic);
    await this.settle();
  }

  #pass(ms: number): void {
    this.#monotonic += ms;
    this.#wall += ms;
  }

  #next(): Timer | null {
    let first: Timer | null = null;
    for (const timer of this.#timers) {
      if (first === null || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
        first = timer;
    }
    return first;
  }

  #fireDue(): boolean {
    const next = this.#next();
    if (next === null || next.at > this.#monotonic) return false;
    this.#timers.delete(next);
    next.callback();
    return true;
  }
}
