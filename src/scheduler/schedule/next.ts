/** The next due time of a schedule: a pure function of the schedule and a time, in epoch milliseconds. */

import { MAX_INSTANT_MS } from './civil.ts';
import { nextCron } from './cron-next.ts';
import { nextRepeat } from './iso-next.ts';
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
