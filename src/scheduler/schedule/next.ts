/**
 * The next and the previous due time of a schedule: pure functions of the schedule and a time, in epoch
 * milliseconds.
 */

import { nextAdjusted, previousAdjusted } from './adjusted.ts';
import { nextOpen, nextTakenOut, originOf, previousOpen, type TakenOut } from './calendar/schedule.ts';
import { MAX_INSTANT_MS, MIN_INSTANT_MS } from './civil.ts';
import { nextCron } from './cron/next.ts';
import { previousCron } from './cron/previous.ts';
import { nextRepeat, previousRepeat } from './iso-next.ts';
import type { AnySchedule, Schedule } from './model.ts';

/** Strictly after `afterMs`. Null if there is no further due time (within 50 years, for cron). */
export function nextInstant(schedule: Schedule, afterMs: number): number | null {
  const next = afterMs >= MAX_INSTANT_MS ? null : nextOf(schedule, afterMs);
  return next !== null && next > MAX_INSTANT_MS ? null : next;
}

function nextOf(schedule: Schedule, afterMs: number): number | null {
  switch (schedule.kind) {
    case 'cron':
      return nextCron(schedule, afterMs);
    case 'every':
      return nextRepeat(schedule, afterMs);
    case 'at':
      return schedule.atMs > afterMs ? schedule.atMs : null;
    case 'adjusted':
      return nextAdjusted(schedule, afterMs, nextInstant);
    case 'any':
      return nextOfAny(schedule, afterMs);
    case 'calendared':
      return nextOpen(schedule, afterMs, nextInstant);
  }
}

function nextOfAny({ members }: AnySchedule, afterMs: number): number | null {
  let first: number | null = null;
  for (const member of members) {
    const next = nextInstant(member, afterMs);
    if (next !== null && (first === null || next < first)) first = next;
  }
  return first;
}

/** Strictly before `beforeMs`. Null if there is no earlier due time (within 50 years, for cron). */
export function previousInstant(schedule: Schedule, beforeMs: number): number | null {
  const before = Math.min(beforeMs, MAX_INSTANT_MS + 1);
  switch (schedule.kind) {
    case 'cron': {
      const previous = before <= MIN_INSTANT_MS ? null : previousCron(schedule, before);
      return previous !== null && previous < MIN_INSTANT_MS ? null : previous;
    }
    case 'every':
      return previousRepeat(schedule, before);
    case 'at':
      return schedule.atMs < before ? schedule.atMs : null;
    case 'adjusted':
      return previousAdjusted(schedule, before, previousInstant);
    case 'any':
      return previousOfAny(schedule, before);
    case 'calendared':
      return previousOpen(schedule, before, previousInstant);
  }
}

function previousOfAny({ members }: AnySchedule, beforeMs: number): number | null {
  let last: number | null = null;
  for (const member of members) {
    const previous = previousInstant(member, beforeMs);
    if (previous !== null && (last === null || previous > last)) last = previous;
  }
  return last;
}

/** The first member of several schedules that has this due time. -1 for any other schedule and time. */
export function memberAt(schedule: Schedule, due: number): number {
  if (schedule.kind === 'calendared') return memberAt(schedule.open, originOf(schedule, due, nextInstant));
  if (schedule.kind !== 'any') return -1;
  return schedule.members.findIndex((member) => nextInstant(member, due - 1) === due);
}

/** The next due time that a calendar or an exception takes out, strictly after. Null if there is none. */
export function nextExcluded(schedule: Schedule, afterMs: number): TakenOut | null {
  return schedule.kind === 'calendared' && afterMs < MAX_INSTANT_MS
    ? nextTakenOut(schedule, afterMs, nextInstant)
    : null;
}

/** Due times in (afterMs, upToMs] that are taken out, at most so many. */
export function excludedBetween(
  schedule: Schedule,
  { afterMs, upToMs, most }: { readonly afterMs: number; readonly upToMs: number; readonly most: number },
): TakenOut[] {
  const found: TakenOut[] = [];
  let out = nextExcluded(schedule, afterMs);
  while (out !== null && out.at <= upToMs && found.length < most) {
    found.push(out);
    out = nextExcluded(schedule, out.at);
  }
  return found;
}
