/**
 * Limits on concurrent attempts: per job, per pool, per engine. Runs without a free slot wait in lanes, one
 * per set of limits, in the order of starts. A lane is parked at one full limit; when a slot there is freed,
 * the first run of the best lane gets it. A lane moves as a whole, so that ten thousand runs behind one limit
 * cost no more than one, and it never delays lanes that wait for another limit.
 *
 * Guaranteed between two decisions: every waiting run has a full limit; no limit has more attempts than
 * slots, unless it was made smaller while they were in use; of two runs that could start, the one that comes
 * first in the order starts first.
 */

import type { Run } from '../model/model.ts';
import type { LimitKind } from '../model/reason.ts';

/** One limit that applies to a run: `pool:etl` has 4 slots. */
export interface Limit {
  readonly key: string;
  readonly slots: number;
  readonly kind: LimitKind;
  /** Of the job, pool or engine. */
  readonly name: string;
  /** A slot of any of these nodes will do: it is full if they all are. */
  readonly among?: readonly NodeLimit[];
}

/** The limit of an engine on one node. */
export interface NodeLimit extends Limit {
  readonly host: string | null;
}

/** Runs with the same limits, in the order of starts; never empty. */
export interface Lane {
  readonly key: string;
  readonly limits: readonly Limit[];
  readonly runs: Run[];
  /** The limit that the lane waits for. */
  at: Limit;
}

export class Slots {
  readonly #inUse = new Map<string, number>();
  readonly #byRun = new Map<string, readonly string[]>();
  readonly #lanes = new Map<string, Lane>();
  /** By run id. */
  readonly #waiting = new Map<string, Lane>();
  /** By limit, the lanes that wait for it, in the order of their first runs. */
  readonly #parked = new Map<string, Lane[]>();
  /** Of these, the limits of several nodes. */
  readonly #groups = new Map<string, readonly NodeLimit[]>();

  /** The first limit without a free slot. Null if all have one. */
  full(limits: readonly Limit[]): Limit | null {
    return limits.find((limit) => this.isFull(limit)) ?? null;
  }

  isFull({ key, slots, among }: Limit): boolean {
    return among?.every((each) => this.isFull(each)) ?? this.inUse(key) >= slots;
  }

  inUse(key: string): number {
    return this.#inUse.get(key) ?? 0;
  }

  /** Number of runs that wait for a slot of this pool or engine, on whichever node. */
  waiting(kind: LimitKind, name: string): number {
    let runs = 0;
    for (const lanes of this.#parked.values())
      for (const { at, runs: own } of lanes) if (at.kind === kind && at.name === name) runs += own.length;
    return runs;
  }

  /** Takes one slot of each limit, until `release` of the same run. */
  take(run: Run, limits: readonly Limit[]): void {
    if (limits.length === 0) return;
    const keys = limits.map((limit) => limit.key);
    for (const key of keys) this.#inUse.set(key, this.inUse(key) + 1);
    this.#byRun.set(run.id, keys);
  }

  /** Releases the run's slots and returns the limits that have a free slot as a result. */
  release(run: Run): readonly string[] {
    const keys = this.#byRun.get(run.id) ?? [];
    this.#byRun.delete(run.id);
    for (const key of keys) {
      const left = this.inUse(key) - 1;
      if (left === 0) this.#inUse.delete(key);
      else this.#inUse.set(key, left);
    }
    return [...keys, ...this.#groupsOf(keys)];
  }

  /** Limits that wait for a slot of any of several nodes, if these are among them. */
  #groupsOf(keys: readonly string[]): string[] {
    const groups: string[] = [];
    for (const [key, among] of this.#groups)
      if (among.some((each) => keys.includes(each.key))) groups.push(key);
    return groups;
  }

  /** Adds the run to its lane, a new one at `at`, and returns the limit for which the lane waits. */
  wait(run: Run, limits: readonly Limit[], at: Limit): Limit {
    const key = limits.map((limit) => `${limit.key}=${limit.slots}`).join('|');
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { key, limits, runs: [run], at };
      this.#lanes.set(key, lane);
    } else {
      this.#withdraw(lane);
      lane.runs.splice(placeIn(lane.runs, run, startsBefore), 0, run);
    }
    this.#insert(lane, lane.at);
    this.#waiting.set(run.id, lane);
    return lane.at;
  }

  /** Removes the run from its lane, at any position. No effect if it does not wait. */
  leave(run: Run): void {
    const lane = this.#waiting.get(run.id);
    if (lane === undefined) return;
    this.#waiting.delete(run.id);
    this.#withdraw(lane);
    lane.runs.splice(placeIn(lane.runs, run, startsBefore), 1);
    if (lane.runs.length > 0) this.#insert(lane, lane.at);
    else this.#lanes.delete(lane.key);
  }

  /** Of the lanes that wait for these limits, the one whose first run starts first. Null if none waits. */
  best(keys: Iterable<string>): Lane | null {
    let best: Lane | null = null;
    for (const key of keys) {
      const [lane] = this.#parked.get(key) ?? [];
      if (lane !== undefined && (best === null || laneBefore(lane, best))) best = lane;
    }
    return best;
  }

  /** Parks the lane at another of its limits. */
  park(lane: Lane, at: Limit): void {
    this.#withdraw(lane);
    this.#insert(lane, at);
  }

  #insert(lane: Lane, at: Limit): void {
    lane.at = at;
    if (at.among !== undefined) this.#groups.set(at.key, at.among);
    const lanes = this.#parked.get(at.key);
    if (lanes === undefined) this.#parked.set(at.key, [lane]);
    else lanes.splice(placeIn(lanes, lane, laneBefore), 0, lane);
  }

  /** Call it before the lane's first run changes, because lanes are found by it. */
  #withdraw(lane: Lane): void {
    const lanes = this.#parked.get(lane.at.key) ?? [];
    lanes.splice(placeIn(lanes, lane, laneBefore), 1);
    if (lanes.length > 0) return;
    this.#parked.delete(lane.at.key);
    this.#groups.delete(lane.at.key);
  }
}

/** The order of starts: priority, then due time, then id. */
function startsBefore(a: Run, b: Run): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.due !== b.due) return a.due < b.due;
  return a.id < b.id;
}

/** The order of starts, for sorting. */
export const inOrder = (a: Run, b: Run): number => (startsBefore(a, b) ? -1 : startsBefore(b, a) ? 1 : 0);

const laneBefore = (a: Lane, b: Lane): boolean => startsBefore(a.runs[0] as Run, b.runs[0] as Run);

/** The item's index in the ordered list, or where it belongs. */
function placeIn<T>(list: readonly T[], item: T, before: (a: T, b: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(list[middle] as T, item)) low = middle + 1;
    else high = middle;
  }
  return low;
}
