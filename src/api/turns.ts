/**
 * Reads share one loop with launches. A read works for two milliseconds, then everything else has its turn, and of
 * several reads one works in each round of the loop: many clients hold it no longer than one does.
 */

import { nextRound } from '../loop-round.ts';
import type { Clock } from '../scheduler/ports.ts';

/** Long enough that giving way costs little, short enough that nobody calls a start late. */
const SLICE_MS = 2;

export class Turns {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the read may begin: requests that come together do not begin together. */
  async begin(): Promise<Turn> {
    await nextRound();
    return new Turn(this.#clock);
  }

  /** Carries out the steps, giving way between them; resolves with what they return. */
  async drive<T>(steps: Iterator<unknown, T>): Promise<T> {
    const turn = await this.begin();
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (turn.isOver()) await turn.next();
    }
  }

  /** What becomes of each item, one small step each. */
  each<T, R>(items: readonly T[], step: (item: T) => R): Promise<R[]> {
    return this.drive(mapped(items, step));
  }
}

function* mapped<T, R>(items: readonly T[], step: (item: T) => R): Generator<void, R[]> {
  const results: R[] = [];
  for (const item of items) {
    results.push(step(item));
    yield;
  }
  return results;
}

/** One read's time. */
export class Turn {
  readonly #clock: Clock;
  #until: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#until = clock.monotonicMs() + SLICE_MS;
  }

  /** Asked after each small step; then `next` is awaited. */
  isOver(): boolean {
    return this.#clock.monotonicMs() >= this.#until;
  }

  async next(): Promise<void> {
    await nextRound();
    this.#until = this.#clock.monotonicMs() + SLICE_MS;
  }
}
