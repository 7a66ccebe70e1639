/**
 * The copy of the leader's state that every other node keeps: loaded once, then updated with the leader's
 * commits, and loaded again when too much was missed. An elected node leads with it.
 */

import type { ClockAhead } from '../event.ts';
import type { Notice } from '../handle.ts';
import type { Run, Settings } from '../model/model.ts';
import type { Clock, Log, Store, Watching } from '../ports.ts';
import { decidedAt } from '../records/stored.ts';
import type { Write } from '../records/table.ts';
import { isCounted } from '../state/durations.ts';
import { follow } from '../state/follow.ts';
import { State } from '../state/state.ts';
import { sleep } from '../waiting.ts';
import { STEP_MS } from './clock-steps.ts';
import type { Leadership } from './leadership.ts';
import { RepeatedFailure } from './repeated-failure.ts';

/** Delay before a failed load is retried. */
const RELOAD_MS = 1_000;

export interface ReplicaParts {
  readonly settings: Settings;
  readonly installation: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly onNotices: (notices: readonly Notice[]) => void;
}

export class Replica {
  readonly #parts: ReplicaParts;
  /** Failures to load the copy again. */
  readonly #failure: RepeatedFailure;
  #state: State | null = null;
  /** The state this node led with, until the first copy is loaded. */
  #former: State | null;
  #watching: Watching | null = null;
  /** Commits that arrived while the copy was being loaded. Null once it is complete. */
  #meanwhile: (readonly Write[])[] | null = [];
  #loading: Promise<void> = Promise.resolve();
  #stopped = false;
  /**
   * The earliest and the latest that the leader's clock showed at its last known decision about a run; that was at
   * `monotonicMs`, or up to the difference before.
   */
  #leaderClock: { readonly earliest: number; readonly latest: number; readonly monotonicMs: number };
  /** False while this node's own clock is used instead, because nothing is known of the leader's. */
  #isClockKnown: boolean;

  /** `former` is the leadership that just ended. Null at the start of the node. */
  constructor(parts: ReplicaParts, former: Pick<Leadership, 'state' | 'clockAhead'> | null) {
    const { clock } = parts;
    this.#parts = parts;
    this.#failure = new RepeatedFailure({ ...parts, event: 'replica.not-loaded', level: 'warn' });
    this.#former = former?.state ?? null;
    const { leastMs, mostMs } = former?.clockAhead ?? { leastMs: 0, mostMs: 0 };
    const now = clock.now();
    // Another may have led since this node's last decision.
    const ownAt = former === null ? now : (newestDecision(former.state.runs.values()) ?? 0);
    this.#leaderClock = {
      earliest: ownAt - mostMs,
      latest: ownAt - leastMs,
      monotonicMs: clock.monotonicMs() - (now - ownAt),
    };
    this.#isClockKnown = former !== null && former.clockAhead !== null;
  }

  /** The newest complete copy. Null before the first. */
  get state(): State | null {
    return this.#state;
  }

  lagMs(): number | null {
    return this.#meanwhile === null ? (this.#watching?.lagMs() ?? null) : null;
  }

  /** Resolves when the copy is complete. STORE_UNAVAILABLE: it could not be loaded. */
  load(): Promise<void> {
    this.#loading = this.#load();
    return this.#loading;
  }

  /** Resolves when the copy has everything that was committed before the call. STORE_UNAVAILABLE. */
  async caughtUp(): Promise<void> {
    do {
      await this.#loading;
      await this.#watching?.caughtUp();
    } while (this.#meanwhile !== null && !this.#stopped);
  }

  /** The complete copy, with everything that was committed before the call. It is no longer updated. */
  async takeOver(): Promise<{ state: State; clockAhead: ClockAhead | null }> {
    await this.caughtUp();
    const state = this.#state as State;
    this.stop();
    return { state, clockAhead: this.#clockAhead(state) };
  }

  /**
   * How far this node's clock is ahead of the leader's. Null if nothing is known of the leader's clock, and no run
   * shows that it differs from this node's.
   */
  #clockAhead(state: State): ClockAhead | null {
    const theirs = this.#theirs();
    // Others may have been written last by a clock that has been set since.
    const shown = newestDecision(state.runs.values()) ?? theirs.earliest;
    const now = this.#parts.clock.now();
    const mostMs = Math.round(now - Math.max(theirs.earliest, shown));
    const leastMs = Math.round(now - Math.max(theirs.latest, shown));
    if (Math.abs(mostMs) <= STEP_MS) return this.#isClockKnown ? { leastMs: 0, mostMs: 0 } : null;
    return { leastMs: leastMs > STEP_MS ? leastMs : Math.min(mostMs, 0), mostMs };
  }

  stop(): void {
    this.#stopped = true;
    this.#watching?.stop();
    this.#watching = null;
  }

  async #load(): Promise<void> {
    const { settings, installation, store } = this.#parts;
    this.#watching?.stop();
    this.#meanwhile = [];
    // Watch first, then load: commits in between are reported, and may also be in the loaded data.
    this.#watching = store.watch({
      onWrites: (writes, maxAgeMs) => this.#apply(writes, maxAgeMs),
      onGap: () => this.loadAgain(),
    });
    const state = new State(settings, installation);
    for await (const items of store.load()) state.load(items);
    state.ready();
    for (const writes of this.#meanwhile) follow(state, writes);
    this.#meanwhile = null;
    const before = this.#state ?? this.#former;
    if (before !== null) this.#learnClock(before, state);
    this.#former = null;
    this.#state = state;
  }

  /**
   * The leader's clock may have been set in the part that was missed. The leader then wrote every run with a deadline,
   * so none of these is unchanged. If nothing is known of its clock, one run that this node's clock cannot explain is
   * enough. They were written at any time since the last known decision.
   */
  #learnClock(before: State, state: State): void {
    const counted = [...state.runs.values()].filter((run) => isCounted(run) && run.decidedAt !== undefined);
    const isAsBefore = ({ id, decidedAt }: Run) => before.runs.get(id)?.decidedAt === decidedAt;
    const written = counted.filter((run) => !isAsBefore(run));
    const at = newestDecision(written);
    if (at === null) return;
    const isNew = this.#isClockKnown
      ? written.length === counted.length
      : at < this.#leaderClock.latest || at > this.#theirs().latest;
    if (!isNew) return;
    this.#heardClock(at, this.#parts.clock.monotonicMs() - this.#leaderClock.monotonicMs);
  }

  /** The leader's clock now, unless it was set since its last known decision. */
  #theirs(): { readonly earliest: number; readonly latest: number } {
    const { earliest, latest, monotonicMs } = this.#leaderClock;
    const passedMs = this.#parts.clock.monotonicMs() - monotonicMs;
    return { earliest: earliest + passedMs, latest: latest + passedMs };
  }

  /** A decision of the leader arrives that it made at `at` by its clock, at most `maxAgeMs` ago. */
  #heardClock(at: number, maxAgeMs: number): void {
    const before = this.#theirs().latest;
    let latest = at + maxAgeMs;
    // Decisions that arrived sooner show how late this one can be at most, unless the clock was set.
    if (this.#isClockKnown && before >= at) latest = Math.min(latest, before);
    this.#leaderClock = { earliest: at, latest, monotonicMs: this.#parts.clock.monotonicMs() };
    this.#isClockKnown = true;
  }

  #apply(writes: readonly Write[], maxAgeMs: number): void {
    if (this.#stopped) return;
    for (const write of writes) {
      const at = decidedAt(write);
      if (at !== undefined) this.#heardClock(at, maxAgeMs);
    }
    if (this.#meanwhile !== null) this.#meanwhile.push(writes);
    else if (this.#state !== null) this.#parts.onNotices(follow(this.#state, writes));
  }

  /** Loads until it succeeds. */
  loadAgain(): void {
    const { clock } = this.#parts;
    this.#meanwhile ??= [];
    this.#loading = this.#loading
      .catch(() => undefined)
      .then(async () => {
        while (!this.#stopped) {
          try {
            await this.#load();
            this.#failure.over();
            return;
          } catch (error) {
            this.#failure.failed(error);
            await sleep(clock, RELOAD_MS);
          }
        }
      });
  }
}

/** Time of the newest decision about a run with a deadline. Null if there is none. */
function newestDecision(runs: Iterable<Run>): number | null {
  let newest: number | null = null;
  for (const run of runs)
    if (isCounted(run) && run.decidedAt !== undefined)
      newest = Math.max(newest ?? run.decidedAt, run.decidedAt);
  return newest;
}
