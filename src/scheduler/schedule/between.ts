/**
 * The due times in a range: how many, the first, and the last few. Fast for any length: repeats are computed,
 * and cron is counted up to `countLimit` with its last due times searched from the end.
 */

import { DAY_MS, MAX_INSTANT_MS } from './civil.ts';
import { isCalendar } from './iso.ts';
import { indexAfter, instantOf } from './iso-next.ts';
import type { RepeatSchedule, Schedule } from './model.ts';
import { nextInstant, previousInstant } from './next.ts';
import { segmentAt } from './zone.ts';

export interface InstantRange {
  /** Exclusive. */
  readonly afterMs: number;
  /** Inclusive. */
  readonly upToMs: number;
  /** Number of last due times to list. */
  readonly keep: number;
  /** Counting stops here. */
  readonly countLimit: number;
}

export interface InstantsBetween {
  /** Exact, or `countLimit` if there are more. */
  readonly count: number;
  readonly more: boolean;
  readonly first: number | null;
  /** Ascending, at most `keep`. */
  readonly last: number[];
}

/** Due times in (afterMs, upToMs]. */
export function instantsBetween(schedule: Schedule, range: InstantRange): InstantsBetween {
  const within = { ...range, upToMs: Math.min(range.upToMs, MAX_INSTANT_MS) };
  if (schedule.kind === 'every') return repeatsBetween(schedule, within);
  if (schedule.kind === 'adjusted') {
    const { basic, fromMs, untilMs } = schedule;
    const afterMs = Math.max(within.afterMs, fromMs - 1);
    return instantsBetween(basic, { ...within, afterMs, upToMs: Math.min(within.upToMs, untilMs - 1) });
  }
  return countBetween(schedule, within);
}

function repeatsBetween(schedule: RepeatSchedule, range: InstantRange): InstantsBetween {
  const from = indexAfter(schedule, range.afterMs);
  const to = Math.min(schedule.last, indexAfter(schedule, range.upToMs) - 1);
  const total = to < from ? 0 : to - from + 1 - sameAsNext(schedule, from, to);
  const last: number[] = [];
  for (let k = to; k >= from && last.length < range.keep; k -= 1) {
    const instant = instantOf(schedule, k);
    if (instant !== last.at(-1)) last.push(instant);
  }
  return {
    count: Math.min(total, range.countLimit),
    more: total > range.countLimit,
    first: total === 0 ? null : instantOf(schedule, from),
    last: last.reverse(),
  };
}

/**
 * The number of indexes in [from, to) that have the same due time as the next one. If a zone skipped a whole
 * day, as Samoa did on 2011-12-30, a due time of that day moves to the same time of the next.
 */
function sameAsNext(schedule: RepeatSchedule, from: number, to: number): number {
  if (!isCalendar(schedule.period)) return 0;
  const { zone } = schedule;
  const end = segmentAt(zone, instantOf(schedule, to));
  let same = 0;
  for (let index = segmentAt(zone, instantOf(schedule, from)); index <= end; index += 1) {
    if (index === 0 || zone.offsets[index]! - zone.offsets[index - 1]! < DAY_MS) continue;
    const k = indexAfter(schedule, zone.starts[index]! - 1);
    if (k >= from && k < to && instantOf(schedule, k) === instantOf(schedule, k + 1)) same += 1;
  }
  return same;
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

/** The last `keep` due times, found one by one from the end. */
function lastBetween(
  schedule: Schedule,
  range: { readonly afterMs: number; readonly upToMs: number; readonly keep: number },
): number[] {
  const found: number[] = [];
  let instant = previousInstant(schedule, range.upToMs + 1);
  while (instant !== null && instant > range.afterMs && found.length < range.keep) {
    found.push(instant);
    instant = previousInstant(schedule, instant);
  }
  return found.reverse();
}
