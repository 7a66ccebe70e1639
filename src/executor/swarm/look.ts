/**
 * Checks whether the Swarm has capacity for a launch before anything of it is created. One snapshot serves
 * all launches for a second or more: each reserves in it what it needs, so that a burst is admitted as far as
 * there is capacity and costs the managers no more than a single launch. A snapshot may be stale; then Swarm
 * itself decides.
 */

import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type { Clock } from '../../scheduler/ports.ts';
import type { SwarmEngine } from './engine.ts';
import { occupy, type Place, placesOf, reserves, wishOf } from './place.ts';

/** Minimum lifetime of a snapshot: runs are not retried earlier. */
const holdsMs = 1_000;
/** And this many times as long as it took, to spare slow managers, or those with thousands of tasks. */
const restFactor = 9;
/**
 * Maximum lifetime: a snapshot that waited 10 to 20 s for the election of a leader is taken when no node has
 * found the new one yet.
 */
const holdsAtMostMs = 10_000;

interface Look {
  /** Reservations of tasks were read too. */
  readonly counted: boolean;
  readonly places: Promise<readonly Place[]>;
  until: number;
}

export class SwarmLook {
  readonly #engine: SwarmEngine;
  readonly #clock: Clock;
  #look: Look | null = null;

  constructor(engine: SwarmEngine, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  /**
   * Null if a node has capacity for it, which is then reserved; otherwise what is missing.
   * ENGINE_UNAVAILABLE.
   */
  async occupy(spec: LaunchSpec): Promise<string | null> {
    const wish = wishOf(spec);
    return occupy(await this.#places(reserves(wish)), wish);
  }

  #places(counted: boolean): Promise<readonly Place[]> {
    const last = this.#look;
    if (last !== null && this.#clock.monotonicMs() < last.until && (last.counted || !counted))
      return last.places;
    const began = this.#clock.monotonicMs();
    const look: Look = { counted, places: this.#ask(counted), until: Number.POSITIVE_INFINITY };
    this.#look = look;
    const end = (isKnown: boolean): void => {
      const now = this.#clock.monotonicMs();
      const restMs = Math.min(Math.max(holdsMs, restFactor * (now - began)), holdsAtMostMs);
      look.until = isKnown ? now + restMs : now;
    };
    look.places.then(
      () => end(true),
      () => end(false),
    );
    return look.places;
  }

  async #ask(counted: boolean): Promise<readonly Place[]> {
    const nodes = await this.#engine.nodes();
    return placesOf(nodes, counted ? await this.#engine.everyTask() : []);
  }
}
