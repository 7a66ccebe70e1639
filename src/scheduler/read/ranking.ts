/**
 * All jobs sorted by a value that changes as they run, for lists that are paged and polled. The list is
 * sorted once. Each later read compares every key with the key used for sorting and moves the jobs that
 * changed. No change notification is needed, so none can be missed.
 *
 * A read of 100,000 jobs takes some milliseconds, in much shorter steps between which other work gets its
 * turn. A returned order never changes.
 */

import type { JobGlance, JobOrder, RankedJobs, Steps } from '../handle.ts';
import type { State } from '../state/state.ts';
import { runTimes } from '../stats/run-times.ts';
import { sorted } from './sorted.ts';
import { nextDueOf, statusOf } from './view.ts';

/** Jobs per step: less than a millisecond, even when their percentiles are decoded for the first time. */
const STEP = 64;
/** Cached orders, each about 20 bytes per job. The least recently used one is evicted. */
const MAX_RANKINGS = 4;

type Key = (glance: JobGlance) => number | null;

const keys: Readonly<Record<Exclude<JobOrder, 'name'>, Key>> = {
  nextDue: nextDueOf,
  last: ({ state }) => state.last?.endedAt ?? null,
  p50: ({ stats }) => runTimes(stats).p50Ms,
  p95: ({ stats }) => runTimes(stats).p95Ms,
  failures: ({ state }) => state.consecutiveFailures,
  state: urgency,
};

/** Jobs that need attention first, then jobs with unfinished runs, then the rest. */
function urgency(glance: JobGlance): number {
  const status = statusOf(glance);
  if (status === 'disabled') return 0;
  if (glance.state.consecutiveFailures > 0) return 1;
  if (glance.runs.some((run) => run.state === 'launching' || run.state === 'running')) return 2;
  if (glance.runs.length > 0) return 3;
  if (status === 'active') return 4;
  return status === 'paused' ? 5 : 6;
}

/** Job indexes in order of key, then name. Immutable. */
interface Ranking {
  readonly names: readonly string[];
  readonly jobs: readonly JobGlance[];
  /** By job; negated for a descending order, infinite without a key. */
  readonly keys: Float64Array;
  readonly order: Uint32Array;
}

/** All jobs in order of name, as of a version of the names. */
interface Named {
  readonly version: number;
  readonly names: readonly string[];
  readonly jobs: readonly JobGlance[];
}

/** Orders are created on first use and released with their state. */
const rankings = new WeakMap<State, Rankings>();

/** All jobs of the state by `order`, in steps; see `JobReader.ranked`. */
export function rankedJobs(state: State, order: JobOrder, descending: boolean): Steps<RankedJobs> {
  let made = rankings.get(state);
  if (made === undefined) {
    made = new Rankings(state);
    rankings.set(state, made);
  }
  return made.ranked(order, descending);
}

class Rankings {
  readonly #state: State;
  readonly #kept = new Map<string, Ranking>();
  #named: Named = { version: -1, names: [], jobs: [] };

  constructor(state: State) {
    this.#state = state;
  }

  *ranked(order: JobOrder, descending: boolean): Steps<RankedJobs> {
    const id = `${order} ${descending}`;
    const key = order === 'name' ? null : keys[order];
    const ranking = yield* this.#read(id, key, descending);
    this.#kept.delete(id);
    this.#kept.set(id, ranking);
    if (this.#kept.size > MAX_RANKINGS) this.#kept.delete(this.#kept.keys().next().value as string);
    return reading(ranking, order, descending);
  }

  /**
   * Rebuilt whenever a job was created or deleted. If that happens between two steps, it is rebuilt the next
   * time too.
   */
  *#byName(): Steps<Named> {
    const { names: all, jobs: entries } = this.#state;
    const { version } = all;
    if (this.#named.version === version) return this.#named;
    const names: string[] = [];
    const jobs: JobGlance[] = [];
    for (let last: string | null = null; ; ) {
      let count = 0;
      for (const name of all.after(last)) {
        names.push(name);
        jobs.push(entries.get(name) as JobGlance);
        if (++count === STEP) break;
      }
      if (count < STEP) break;
      last = names.at(-1) as string;
      yield;
    }
    this.#named = { version, names, jobs };
    return this.#named;
  }

  *#read(id: string, key: Key | null, descending: boolean): Steps<Ranking> {
    const { names, jobs } = yield* this.#byName();
    const known = this.#kept.get(id);
    const fresh = known?.names !== names;
    if (known !== undefined && !fresh && key === null) return known;
    const sign = descending ? -1 : 1;
    const keysNow = new Float64Array(jobs.length);
    const moved: number[] = [];
    for (let job = 0; job < jobs.length; job++) {
      if (job % STEP === STEP - 1) yield;
      const value = key === null ? job : key(jobs[job] as JobGlance);
      const now = value === null ? Number.POSITIVE_INFINITY : sign * value;
      keysNow[job] = now;
      if (!fresh && known?.keys[job] !== now) moved.push(job);
    }
    if (known !== undefined && !fresh && moved.length === 0) return known;
    const before = (a: number, b: number): number => compare(keysNow, a, b);
    const order =
      known === undefined || fresh
        ? Uint32Array.from(yield* sorted([...jobs.keys()], before))
        : yield* merged(known.order, yield* sorted(moved, before), before);
    return { names, jobs, keys: keysNow, order };
  }
}

/** Infinity minus infinity is NaN. */
function compare(keysNow: Float64Array, a: number, b: number): number {
  const left = keysNow[a] as number;
  const right = keysNow[b] as number;
  return left < right ? -1 : left > right ? 1 : a - b;
}

type Before = (a: number, b: number) => number;

/** The order with the moved jobs, which are sorted, at their new positions. */
function* merged(order: Uint32Array, moved: readonly number[], before: Before): Steps<Uint32Array> {
  const away = new Uint8Array(order.length);
  for (const job of moved) away[job] = 1;
  const next = new Uint32Array(order.length);
  let at = 0;
  let placed = 0;
  for (const [place, job] of order.entries()) {
    if (place % STEP === STEP - 1) yield;
    if (away[job] === 1) continue;
    while (placed < moved.length && before(moved[placed] as number, job) < 0)
      next[at++] = moved[placed++] as number;
    next[at++] = job;
  }
  while (placed < moved.length) next[at++] = moved[placed++] as number;
  return next;
}

function reading({ names, jobs, keys: by, order }: Ranking, what: JobOrder, descending: boolean): RankedJobs {
  const sign = descending ? -1 : 1;
  const isBehind = (place: number, key: number, name: string): boolean => {
    const job = order[place] as number;
    const own = by[job] as number;
    if (what === 'name') return descending ? (names[job] as string) < name : (names[job] as string) > name;
    return own > key || (own === key && (names[job] as string) > name);
  };
  return {
    count: order.length,
    at: (place) => jobs[order[place] as number] as JobGlance,
    key: (place) => {
      const key = by[order[place] as number] as number;
      return key === Number.POSITIVE_INFINITY ? null : sign * key;
    },
    behind: (key, name) => {
      const last = key === null ? Number.POSITIVE_INFINITY : sign * key;
      let low = 0;
      let high = order.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (isBehind(middle, last, name)) high = middle;
        else low = middle + 1;
      }
      return low;
    },
  };
}
