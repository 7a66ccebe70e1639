/**
 * The next and the previous due time of a schedule: pure functions of the schedule and a time, in epoch
 * milliseconds.
 */

import { MAX_INSTANT_MS, MIN_INSTANT_MS } from './civil.ts';
import { nextCron } from './cron/next.ts';
import { previousCron } from './cron/previous.ts';
import { nextRepeat, previousRepeat } from './iso-next.ts';
import type { Schedule } from './model.ts';

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
  }
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
  }
}
