/**
 * Counts the ends of runs that this process learns of. A follower learns of the same ends as the leader, after
 * they have become durable, so a change of leader neither resets nor repeats a count.
 */

import type { SchedulerHandle } from '../../scheduler/handle.ts';
import type { EndState, Run } from '../../scheduler/model/model.ts';
import { readyAt } from '../../scheduler/model/run-state.ts';
import { Tally } from '../../scheduler/stats/tally.ts';
import type { EndCounts } from './scrape.ts';

/**
 * Upper bounds in seconds: a prepared container starts within a few milliseconds, and an outage can last
 * hours.
 */
const latenessBounds = [
  0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600,
];
const startBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export class Ends {
  readonly #byState = new Map<EndState, number>();
  readonly #lateness = new Tally(latenessBounds);
  readonly #starts = new Map<string, Tally>();
  readonly close: () => void;

  constructor(scheduler: SchedulerHandle) {
    this.close = scheduler.subscribe((notice) => {
      if (notice.kind === 'run' && notice.run.endedAt !== null) this.#count(notice.run);
    });
  }

  #count(run: Run): void {
    const state = run.state as EndState;
    this.#byState.set(state, (this.#byState.get(state) ?? 0) + 1);
    let isFirst = true;
    for (const { engine, createdAt, startedAt } of run.attempts) {
      if (startedAt === null) continue;
      if (isFirst) this.#lateness.add(Math.max(0, startedAt - readyAt(run)) / 1_000);
      isFirst = false;
      this.#startsOn(engine).add(Math.max(0, startedAt - createdAt) / 1_000);
    }
  }

  #startsOn(engine: string): Tally {
    let tally = this.#starts.get(engine);
    if (tally === undefined) {
      tally = new Tally(startBounds);
      this.#starts.set(engine, tally);
    }
    return tally;
  }

  counts(): EndCounts {
    return {
      byState: this.#byState,
      startLateness: this.#lateness.buckets(),
      startsByEngine: new Map([...this.#starts].map(([engine, tally]) => [engine, tally.buckets()])),
    };
  }
}
