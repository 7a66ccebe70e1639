/** What was observed lately, for a leader that asks again and again. */

import type { Changes, Clock, Observation, Ticket } from '../../scheduler/ports.ts';
import { within } from '../../scheduler/waiting.ts';

/** How long an answer waits for something to happen. */
const waitMs = 1_000;
/** Observations kept. */
const most = 5_000;

export class Observations {
  readonly #clock: Clock;
  #boot: number;
  #kept: Observation[] = [];
  /** Number of observations that are no longer kept. */
  #dropped = 0;
  #wake: () => void = () => undefined;
  #happens: Promise<void> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#boot = clock.now();
    this.#sleep();
  }

  add(observation: Observation): void {
    this.#kept.push(observation);
    if (this.#kept.length > most) this.#dropped += this.#kept.splice(0, most / 2).length;
    this.wake();
  }

  /** What was observed until now may be incomplete. */
  restart(): void {
    this.#boot += 1;
    this.wake();
  }

  /** Lets go who waits for something to happen. */
  wake(): void {
    this.#wake();
    this.#sleep();
  }

  /** What has happened since `after`, at the latest after a second. */
  async since(after: Ticket | null): Promise<Changes> {
    const isKnown = (): boolean =>
      after !== null && after.boot === this.#boot && after.seq >= this.#dropped && after.seq <= this.#seq;
    if (isKnown() && after?.seq === this.#seq) await within(this.#clock, waitMs, this.#happens);
    return {
      ticket: { boot: this.#boot, at: this.#clock.monotonicMs(), seq: this.#seq },
      observations: isKnown() ? this.#kept.slice((after?.seq ?? 0) - this.#dropped) : null,
    };
  }

  get #seq(): number {
    return this.#dropped + this.#kept.length;
  }

  #sleep(): void {
    this.#happens = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
