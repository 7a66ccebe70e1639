/**
 * The copy of the leader's state that every other node keeps: loaded once, then updated with the leader's
 * commits, and loaded again when too much was missed. An elected node leads with it.
 */

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
  readonly cluster: string;
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
  /** The leader's clock at its last decision about a run, and when that arrived. */
  #leaderClock: { readonly at: number; readonly monotonicMs: number };
  /** False while this node's own clock is used instead, because nothing is known of the leader's. */
  #isClockKnown: boolean;

  /** `former` is the leadership that just ended. Null at the start of the node. */
  constructor(parts: ReplicaParts, former: Pick<Leadership, 'state' | 'clockAheadMs'> | null) {
    const { clock } = parts;
    this.#parts = parts;
    this.#failure = new RepeatedFailure({ ...parts, event: 'replica.not-loaded', level: 'warn' });
    this.#former = former?.state ?? null;
    this.#leaderClock = { at: clock.now() - (former?.clockAheadMs ?? 0), monotonicMs: clock.monotonicMs() };
    this.#isClockKnown = former !== null && former.clockAheadMs !== null;
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
  async takeOver(): Promise<{ state: State; clockAheadMs: number | null }> {
    await this.caughtUp();
    const state = this.#state as State;
    this.stop();
    return { state, clockAheadMs: this.#clockAheadMs(state) };
  }

  /**
   * How far this node's clock is ahead of the leader's. Null if nothing is known of the leader's clock, and no run
   * shows that it differs from this node's.
   */
  #clockAheadMs(state: State): number | null {
    let theirs = this.#theirs();
    // Others may have been written last by a clock that has been set since.
    for (const run of state.runs.values())
      if (isCounted(run)) theirs = Math.max(theirs, run.decidedAt ?? theirs);
    const aheadMs = Math.round(this.#parts.clock.now() - theirs);
    if (Math.abs(aheadMs) > STEP_MS) return aheadMs;
    return this.#isClockKnown ? 0 : null;
  }

  stop(): void {
    this.#stopped = true;
    this.#watching?.stop();
    this.#watching = null;
  }

  async #load(): Promise<void> {
    const { settings, cluster, store } = this.#parts;
    this.#watching?.stop();
    this.#meanwhile = [];
    // Watch first, then load: commits in between are reported, and may also be in the loaded data.
    this.#watching = store.watch({
      onWrites: (writes, maxAgeMs) => this.#take(writes, maxAgeMs),
      onGap: () => this.loadAgain(),
    });
    const state = new State(settings, cluster);
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
   * The leader's clock may have been set in the part that was missed. The newest decision there shows it if it seems
   * older than what was known before, or newer than now. If nothing was known, it was made while this node follows.
   */
  #learnClock(before: State, state: State): void {
    const isAsBefore = ({ id, decidedAt }: Run) => before.runs.get(id)?.decidedAt === decidedAt;
    const at = newestDecision([...state.runs.values()].filter((run) => !isAsBefore(run)));
    if (at === null) return;
    const known = this.#isClockKnown ? newestDecision(before.runs.values()) : this.#leaderClock.at;
    if (at > this.#theirs() || (known !== null && at < known)) this.#heardClock(at);
  }

  /** The leader's clock now, unless it was set since its last known decision. */
  #theirs(): number {
    const { at, monotonicMs } = this.#leaderClock;
    return at + this.#parts.clock.monotonicMs() - monotonicMs;
  }

  #heardClock(at: number): void {
    this.#leaderClock = { at, monotonicMs: this.#parts.clock.monotonicMs() };
    this.#isClockKnown = true;
  }

  #take(writes: readonly Write[], maxAgeMs: number): void {
    if (this.#stopped) return;
    for (const write of writes) {
      const at = decidedAt(write);
      if (at === undefined) continue;
      // If its age explains the difference, it arrived late, and the leader's clock was not set.
      const behindMs = this.#theirs() - at;
      if (behindMs < 0 || behindMs > maxAgeMs) this.#heardClock(at);
      this.#isClockKnown = true;
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

/** When the newest decision about a run whose time is counted was made. Null if there is none. */
function newestDecision(runs: Iterable<Run>): number | null {
  let newest: number | null = null;
  for (const run of runs)
    if (isCounted(run) && run.decidedAt !== undefined)
      newest = Math.max(newest ?? run.decidedAt, run.decidedAt);
  return newest;
}
