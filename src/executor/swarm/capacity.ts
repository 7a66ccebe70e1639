/**
 * Checks whether the Swarm has capacity for a launch before anything of it is created. One snapshot serves
 * all launches for a second or more: each reserves in it what it needs, so that a burst is admitted as far as
 * there is capacity and costs the managers no more than a single launch. A snapshot may be stale; then Swarm
 * itself decides.
 */

import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type { Clock } from '../../scheduler/ports.ts';
import type { SwarmEngine } from './engine.ts';
import { capacityOf, type NodeCapacity, occupy, reserves, wishOf } from './node-capacity.ts';

/** Minimum lifetime of a snapshot: runs are not retried earlier. */
const holdsMs = 1_000;
/** And this many times as long as it took, to spare slow managers, or those with thousands of tasks. */
const restFactor = 9;
/**
 * Maximum lifetime: a snapshot that waited 10 to 20 s for the election of a leader is taken when no node has
 * found the new one yet.
 */
const holdsAtMostMs = 10_000;

interface CapacitySnapshot {
  /** Reservations of tasks were read too. */
  readonly counted: boolean;
  readonly nodes: Promise<readonly NodeCapacity[]>;
  until: number;
}

export class SwarmCapacity {
  readonly #engine: SwarmEngine;
  readonly #clock: Clock;
  #snapshot: CapacitySnapshot | null = null;

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
    return occupy(await this.#nodes(reserves(wish)), wish);
  }

  #nodes(counted: boolean): Promise<readonly NodeCapacity[]> {
    const last = this.#snapshot;
    if (last !== null && this.#clock.monotonicMs() < last.until && (last.counted || !counted))
      return last.nodes;
    const began = this.#clock.monotonicMs();
    const snapshot: CapacitySnapshot = {
      counted,
      nodes: this.#ask(counted),
      until: Number.POSITIVE_INFINITY,
    };
    this.#snapshot = snapshot;
    const end = (isKnown: boolean): void => {
      const now = this.#clock.monotonicMs();
      const restMs = Math.min(Math.max(holdsMs, restFactor * (now - began)), holdsAtMostMs);
      snapshot.until = isKnown ? now + restMs : now;
    };
    snapshot.nodes.then(
      () => end(true),
      () => end(false),
    );
    return snapshot.nodes;
  }

  async #ask(counted: boolean): Promise<readonly NodeCapacity[]> {
    const nodes = await this.#engine.nodes();
    return capacityOf(nodes, counted ? await this.#engine.everyTask() : []);
  }
}
