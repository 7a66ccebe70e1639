/**
 * Looks whether the Swarm has a place for a launch before anything of it is created. One look serves all launches for
 * a second or more: each takes what it wants from what was seen, so that a burst is let in as far as there is room and
 * costs the managers no more than a single launch. A snapshot may be out of date; then Swarm itself decides.
 */

import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type { Clock } from '../../scheduler/ports.ts';
import type { SwarmEngine } from './engine.ts';
import { occupy, type Place, placesOf, reserves, wishOf } from './place.ts';

/** How long a look holds at least: runs are asked for again no sooner. */
const holdsMs = 1_000;
/** And so many times as long as it took, so that slow managers, or those of thousands of tasks, are spared. */
const restFactor = 9;
/**
 * But no longer than this: a look that waited for the managers to elect a leader, 10 to 20 s, is answered in the
 * moment in which no node has found the new one yet.
 */
const holdsAtMostMs = 10_000;

interface Look {
  /** What tasks reserve was looked at too. */
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

  /** Null when a node has room for it, which is taken then; otherwise what is missing. ENGINE_UNAVAILABLE. */
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
