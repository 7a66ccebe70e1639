/** The newest observations of an engine, for a leader that asks for them again and again. */

import type { Changes, Clock, Observation, Ticket } from './ports.ts';
import { within } from './waiting.ts';

export const observationLimits = {
  /** How long an answer waits for something to happen; shorter than the time in which a node must answer. */
  waitMs: 1_000,
  /** Observations kept for a leader that asks again. */
  kept: 5_000,
} as const;

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
    const { kept: most } = observationLimits;
    if (this.#kept.length > most) this.#dropped += this.#kept.splice(0, most / 2).length;
    this.#changed();
  }

  /** What was observed until now may be incomplete. */
  restart(): void {
    this.#boot += 1;
    this.#changed();
  }

  /** From now on, no answer waits. */
  stop(): void {
    this.#wake();
  }

  /** What has happened since `after`, at the latest after a second. */
  async since(after: Ticket | null): Promise<Changes> {
    const isKnown = (): boolean =>
      after !== null && after.boot === this.#boot && after.seq >= this.#dropped && after.seq <= this.#seq;
    if (isKnown() && after?.seq === this.#seq)
      await within(this.#clock, observationLimits.waitMs, this.#happens);
    return {
      ticket: { boot: this.#boot, at: this.#clock.monotonicMs(), seq: this.#seq },
      observations: isKnown() ? this.#kept.slice((after?.seq ?? 0) - this.#dropped) : null,
    };
  }

  /** How long ago a ticket was issued; infinite if it was not issued here. */
  ageMs({ boot, at }: Ticket): number {
    return boot === this.#boot ? this.#clock.monotonicMs() - at : Number.POSITIVE_INFINITY;
  }

  get #seq(): number {
    return this.#dropped + this.#kept.length;
  }

  #changed(): void {
    this.#wake();
    this.#sleep();
  }

  #sleep(): void {
    this.#happens = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
