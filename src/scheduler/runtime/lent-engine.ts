/**
 * An engine that only this node reaches, lent to a leader on another node. Nothing that arrives late may start:
 * a launch must be of the newest term that this node knows, and carry a ticket that this node issued a short time
 * ago, which needs no clocks that agree. An inventory waits for starts of older terms, so that what it does not
 * have will never be started by them.
 */

import { CarillonError } from '../../errors.ts';
import type { LaunchSpec } from '../job/spec.ts';
import { Observations } from '../observations.ts';
import type { Changes, Clock, Launcher, LocalEngine, Observation, Ticket } from '../ports.ts';

/** Age of a ticket. Shorter than an ended launch is remembered, because then its name is no longer a lock. */
export const TICKET_MS = 10_000;

export interface LentEngineParts {
  readonly launcher: Launcher;
  readonly installation: string;
  readonly clock: Clock;
  /** The newest term that the election knows. */
  readonly term: () => number;
}

export class LentEngine implements LocalEngine {
  readonly #parts: LentEngineParts;
  readonly #observations: Observations;
  #term = 0;
  /** Starts in progress, with their terms. */
  readonly #starts = new Map<Promise<void>, number>();

  constructor(parts: LentEngineParts) {
    this.#parts = parts;
    this.#observations = new Observations(parts.clock);
  }

  /** Notes what the launcher reports. */
  observed(observation: Observation): void {
    this.#observations.add(observation);
  }

  /** From now on, no answer waits. */
  stop(): void {
    this.#observations.stop();
  }

  changes(term: number, after: Ticket | null): Promise<Changes> {
    this.#term = Math.max(this.#term, term);
    return this.#observations.since(after);
  }

  async launchFor(spec: LaunchSpec, ticket: Ticket): Promise<void> {
    const { launcher, installation } = this.#parts;
    if (spec.installation !== installation)
      throw new CarillonError('LAUNCH_REFUSED', 'the launch is of another installation');
    const mayStart = (): boolean =>
      spec.term >= this.#newestTerm && this.#observations.ageMs(ticket) <= TICKET_MS;
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

  get #newestTerm(): number {
    return Math.max(this.#term, this.#parts.term());
  }
}
