/** Times and counts the commits of this node, over all its leaderships. */

import type { CommitFigures } from '../../handle.ts';
import type { Clock, Store } from '../../ports.ts';
import { Tally } from '../../stats/tally.ts';

/** Upper bounds in seconds: a disk takes a millisecond, and a store that moves may take seconds. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export class CommitTimes {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #times = new Tally(bounds);
  #failed = 0;

  constructor({ store, clock }: { readonly store: Store; readonly clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
  }

  /** As of the store, counted. */
  readonly commit: Store['commit'] = async (term, groups) => {
    const began = this.#clock.monotonicMs();
    try {
      await this.#store.commit(term, groups);
    } catch (error) {
      this.#failed += 1;
      throw error;
    }
    this.#times.add((this.#clock.monotonicMs() - began) / 1_000);
  };

  figures(): CommitFigures {
    return { times: this.#times.buckets(), failed: this.#failed };
  }
}
