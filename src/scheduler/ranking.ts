/**
 * All jobs in order of something that changes as they run, for lists that are paged and looked at again and
 * again. The order is made once; afterwards each look compares every key with the one it was ordered by, and
 * moves the few jobs whose key is another now. So nobody has to tell of changes, and none can be forgotten.
 *
 * Promises: a look at 100,000 jobs takes some milliseconds; what was given out never changes.
 */

import type { JobGlance, JobOrder, RankedJobs } from './handle.ts';
import { runTimes } from './run-times.ts';
import type { State } from './state.ts';
import { nextDueOf, statusOf } from './view.ts';

/** Orders kept at one time, each some 20 bytes a job; the one that was not asked for longest goes. */
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

/** What needs somebody first, then what is under way, then what rests. */
function urgency(glance: JobGlance): number {
  const status = statusOf(glance);
  if (status === 'disabled') return 0;
  if (glance.state.consecutiveFailures > 0) return 1;
  if (glance.runs.some((run) => run.state === 'launching' || run.state === 'running')) return 2;
  if (glance.runs.length > 0) return 3;
  if (status === 'active') return 4;
  return status === 'paused' ? 5 : 6;
}

/** Jobs by index into the names, in order of key and then of name. Never changed once made. */
interface Ranking {
  readonly names: readonly string[];
  readonly jobs: readonly JobGlance[];
  /** By job; turned round for a descending order, infinite where there is nothing to order by. */
  readonly keys: Float64Array;
  readonly order: Uint32Array;
}

/** Orders are made when somebody first asks for them, and go with the state that they are of. */
const rankings = new WeakMap<State, Rankings>();

/** All jobs of the state by `order`; see `Look.ranked`. */
export function rankedJobs(state: State, order: JobOrder, descending: boolean): RankedJobs {
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
  #names: readonly string[] = [];
  #jobs: readonly JobGlance[] = [];

  constructor(state: State) {
    this.#state = state;
  }

  ranked(order: JobOrder, descending: boolean): RankedJobs {
    const id = `${order} ${descending}`;
    const known = this.#kept.get(id);
    const key = order === 'name' ? null : keys[order];
    const ranking = this.#look(known, key, descending);
    this.#kept.delete(id);
    this.#kept.set(id, ranking);
    if (this.#kept.size > MAX_RANKINGS) this.#kept.delete(this.#kept.keys().next().value as string);
    return reading(ranking, order, descending);
  }

  #look(known: Ranking | undefined, key: Key | null, descending: boolean): Ranking {
    const names = this.#state.sortedNames();
    // The names are made anew whenever a job comes or goes.
    if (names !== this.#names) {
      this.#names = names;
      this.#jobs = names.map((name) => this.#state.entry(name));
    }
    const jobs = this.#jobs;
    const fresh = known?.names !== names;
    if (known !== undefined && !fresh && key === null) return known;
    const sign = descending ? -1 : 1;
    const keysNow = new Float64Array(jobs.length);
    const moved: number[] = [];
    for (let job = 0; job < jobs.length; job++) {
      const value = key === null ? job : key(jobs[job] as JobGlance);
      const now = value === null ? Number.POSITIVE_INFINITY : sign * value;
      keysNow[job] = now;
      if (!fresh && known?.keys[job] !== now) moved.push(job);
    }
    if (known !== undefined && !fresh && moved.length === 0) return known;
    const before = (a: number, b: number): number => compare(keysNow, a, b);
    const order =
      known === undefined || fresh
        ? Uint32Array.from(jobs.keys()).sort(before)
        : merged(known.order, moved, before);
    return { names, jobs, keys: keysNow, order };
  }
}

/** Infinity less itself is no number. */
function compare(keysNow: Float64Array, a: number, b: number): number {
  const left = keysNow[a] as number;
  const right = keysNow[b] as number;
  return left < right ? -1 : left > right ? 1 : a - b;
}

/** The order with the moved jobs at their new places. */
function merged(order: Uint32Array, moved: number[], before: (a: number, b: number) => number): Uint32Array {
  const away = new Set(moved);
  moved.sort(before);
  const next = new Uint32Array(order.length);
  let at = 0;
  let placed = 0;
  for (const job of order) {
    if (away.has(job)) continue;
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
