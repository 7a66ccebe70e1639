/**
 * An engine that only this node reaches, lent to a leader on another node. Nothing that arrives late may start:
 * a launch must be of the newest term that this node knows, and carry a ticket that this node issued a short time
 * ago, which needs no clocks that agree. An inventory waits for starts of older terms, so that what it does not
 * have will never be started by them.
 */

import { CarillonError } from '../../errors.ts';
import type { LaunchSpec } from '../job/spec.ts';
import type { Changes, Clock, Launcher, LocalEngine, Observation, Ticket } from '../ports.ts';
import { within } from '../waiting.ts';

export const lentLimits = {
  /** How long an answer waits for something to happen; shorter than the time in which a node must answer. */
  waitMs: 1_000,
  /** Shorter than an ended launch is remembered, because then its name is no longer a lock. */
  ticketMs: 10_000,
  /** Observations kept for a leader that asks again. */
  observations: 5_000,
} as const;

export interface LentEngineParts {
  readonly launcher: Launcher;
  readonly installation: string;
  readonly clock: Clock;
  /** The newest term that the election knows. */
  readonly term: () => number;
}

export class LentEngine implements LocalEngine {
  readonly #parts: LentEngineParts;
  readonly #boot: number;
  #term = 0;
  #observations: Observation[] = [];
  /** Number of observations that are no longer kept. */
  #dropped = 0;
  #wake: () => void = () => undefined;
  #happens: Promise<void> = Promise.resolve();
  /** Starts in progress, with their terms. */
  readonly #starts = new Map<Promise<void>, number>();

  constructor(parts: LentEngineParts) {
    this.#parts = parts;
    this.#boot = parts.clock.now();
    this.#sleep();
  }

  /** Notes what the launcher reports. */
  observed(observation: Observation): void {
    this.#observations.push(observation);
    const { observations: most } = lentLimits;
    if (this.#observations.length > most) this.#dropped += this.#observations.splice(0, most / 2).length;
    this.#wake();
    this.#sleep();
  }

  /** Lets go who waits for something to happen. */
  stop(): void {
    this.#wake();
  }

  async changes(term: number, after: Ticket | null): Promise<Changes> {
    this.#term = Math.max(this.#term, term);
    const isKnown = (): boolean =>
      after !== null && after.boot === this.#boot && after.seq >= this.#dropped && after.seq <= this.#seq;
    if (isKnown() && after?.seq === this.#seq)
      await within(this.#parts.clock, lentLimits.waitMs, this.#happens);
    const observations = isKnown() ? this.#observations.slice((after?.seq ?? 0) - this.#dropped) : null;
    return {
      ticket: { boot: this.#boot, at: this.#parts.clock.monotonicMs(), seq: this.#seq },
      observations,
    };
  }

  async launchFor(spec: LaunchSpec, ticket: Ticket): Promise<void> {
    const { launcher, installation } = this.#parts;
    if (spec.installation !== installation)
      throw new CarillonError('LAUNCH_REFUSED', 'the launch is of another installation');
    const mayStart = (): boolean => spec.term >= this.#newestTerm && this.#isRecent(ticket);
    if (!mayStart())
      throw new CarillonError('NO_PLACE', 'the request is too old, or its sender leads no more');
    const start = launcher.launch(spec, mayStart);
    this.#starts.set(start, spec.term);
    try {
      await start;
    } finally {
      this.#starts.delete(start);
    }
  }

  async inventory(): ReturnType<Launcher['inventory']> {
    const older = [...this.#starts].filter(([, term]) => term < this.#newestTerm).map(([start]) => start);
    await Promise.allSettled(older);
    return this.#parts.launcher.inventory();
  }

  kill(launchName: string, graceMs: number): Promise<void> {
    return this.#parts.launcher.kill(launchName, graceMs);
  }

  takeBack(launchName: string): Promise<void> {
    return this.#parts.launcher.takeBack(launchName);
  }

  remove(launchName: string): Promise<void> {
    return this.#parts.launcher.remove(launchName);
  }

  get #seq(): number {
    return this.#dropped + this.#observations.length;
  }

  get #newestTerm(): number {
    return Math.max(this.#term, this.#parts.term());
  }

  #isRecent({ boot, at }: Ticket): boolean {
    return boot === this.#boot && this.#parts.clock.monotonicMs() - at <= lentLimits.ticketMs;
  }

  #sleep(): void {
    this.#happens = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
