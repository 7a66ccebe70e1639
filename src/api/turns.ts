/**
 * Reads share the event loop with launches. A read works for two milliseconds, then everything else gets its
 * turn. Of several reads, one works per round of the loop, so many clients block it no longer than one.
 */

import { nextRound } from '../loop-round.ts';
import type { Clock } from '../scheduler/ports.ts';

/** Long enough that yielding costs little, short enough that no start is late. */
const SLICE_MS = 2;

export class Turns {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the read may begin. Concurrent requests do not begin in the same round. */
  async begin(): Promise<Turn> {
    await nextRound();
    return new Turn(this.#clock);
  }

  /** Runs the steps, yielding between them, and resolves with their result. */
  async drive<T>(steps: Iterator<unknown, T>): Promise<T> {
    const turn = await this.begin();
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (turn.isOver()) await turn.next();
    }
  }

  /** Maps each item in one small step. */
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

/** The turn of one read. */
export class Turn {
  readonly #clock: Clock;
  #until: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#until = clock.monotonicMs() + SLICE_MS;
  }

  /** Call it after each small step; if true, await `next`. */
  isOver(): boolean {
    return this.#clock.monotonicMs() >= this.#until;
  }

  async next(): Promise<void> {
    await nextRound();
    this.#until = this.#clock.monotonicMs() + SLICE_MS;
  }
}
