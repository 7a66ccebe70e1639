/**
 * The instants between two moments: how many, the first, and the last few. Costs little however long the
 * stretch is: exact repeats are arithmetic, anything else is counted no further than `countLimit` and the
 * last instants are searched for from the end.
 */

import { MAX_INSTANT_MS, SECOND_MS } from './civil.ts';
import { isCalendar } from './iso.ts';
import { indexAfter, instantOf } from './iso-next.ts';
import type { RepeatSchedule, Schedule } from './model.ts';
import { nextInstant } from './next.ts';

export interface InstantRange {
  /** Exclusive. */
  readonly afterMs: number;
  /** Inclusive. */
  readonly upToMs: number;
  /** How many of the last instants to list. */
  readonly keep: number;
  /** Counting stops here. */
  readonly countLimit: number;
}

export interface InstantsBetween {
  /** Exact, or `countLimit` if there are more. */
  readonly count: number;
  readonly more: boolean;
  readonly first: number | null;
  /** Ascending; at most `keep`. */
  readonly last: number[];
}

/** Instants in (afterMs, upToMs]. */
export function instantsBetween(schedule: Schedule, range: InstantRange): InstantsBetween {
  const within = { ...range, upToMs: Math.min(range.upToMs, MAX_INSTANT_MS) };
  if (schedule.kind === 'every' && !isCalendar(schedule.period)) return repeatsBetween(schedule, within);
  return countBetween(schedule, within);
}

function repeatsBetween(schedule: RepeatSchedule, range: InstantRange): InstantsBetween {
  const from = indexAfter(schedule, range.afterMs);
  const to = Math.min(schedule.last, indexAfter(schedule, range.upToMs) - 1);
  const total = Math.max(0, to - from + 1);
  const kept = Math.min(total, range.keep);
  return {
    count: Math.min(total, range.countLimit),
    more: total > range.countLimit,
    first: total === 0 ? null : instantOf(schedule, from),
    last: Array.from({ length: kept }, (_, index) => instantOf(schedule, to - kept + 1 + index)),
  };
}

function countBetween(schedule: Schedule, range: InstantRange): InstantsBetween {
  const { afterMs, upToMs, keep, countLimit } = range;
  const first = nextInstant(schedule, afterMs);
  let count = 0;
  let instant = first;
  while (instant !== null && instant <= upToMs && count < countLimit) {
    count += 1;
    instant = nextInstant(schedule, instant);
  }
  return {
    count,
    more: instant !== null && instant <= upToMs,
    first: first !== null && first <= upToMs ? first : null,
    last: lastBetween(schedule, { afterMs, upToMs, keep }),
  };
}

/** The last `keep` instants, found one by one from the end. */
function lastBetween(
  schedule: Schedule,
  range: { readonly afterMs: number; readonly upToMs: number; readonly keep: number },
): number[] {
  const found: number[] = [];
  let upToMs = range.upToMs;
  while (found.length < range.keep) {
    const instant = latestInstant(schedule, range.afterMs, upToMs);
    if (instant === null) break;
    found.push(instant);
    upToMs = instant - 1;
  }
  return found.reverse();
}

/** The latest instant in (afterMs, upToMs]; null if there is none. Some thirty steps of `nextInstant`. */
function latestInstant(schedule: Schedule, afterMs: number, upToMs: number): number | null {
  // Windows that end at `upToMs`, each twice as long, until one holds an instant.
  let length = SECOND_MS;
  let found = nextUpTo(schedule, Math.max(afterMs, upToMs - length), upToMs);
  while (found === null && upToMs - length > afterMs) {
    length *= 2;
    found = nextUpTo(schedule, Math.max(afterMs, upToMs - length), upToMs);
  }
  if (found === null) return null;
  // Halving: `latest` is an instant, and there is none in (end, upToMs].
  let latest = found;
  let end = upToMs;
  while (latest < end) {
    const middle = latest + Math.floor((end - latest) / 2);
    const later = nextUpTo(schedule, middle, end);
    if (later === null) end = middle;
    else latest = later;
  }
  return latest;
}

function nextUpTo(schedule: Schedule, afterMs: number, upToMs: number): number | null {
  const instant = nextInstant(schedule, afterMs);
  return instant !== null && instant <= upToMs ? instant : null;
}
