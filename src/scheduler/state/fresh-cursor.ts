/** Where the cursor of a job that has never run stands. */

import { type OpenSchedule, openOf, type Schedule } from '../schedule/model.ts';
import { nextInstant } from '../schedule/next.ts';

/** Where a job that has never run begins: cron from now, a repeat or single time from its own start. */
export function freshCursor(schedule: Schedule | null, now: number): number {
  if (schedule === null || isContinuous(openOf(schedule))) return now;
  // What a calendar takes out is decided too.
  const first = nextInstant(openOf(schedule), BEFORE_ALL);
  return first === null ? now : Math.min(now, first - 1);
}

/** Nothing but the clock says where it begins. Several schedules begin together. */
const isContinuous = (schedule: OpenSchedule): boolean =>
  schedule.kind === 'any' || (schedule.kind === 'adjusted' ? schedule.basic : schedule).kind === 'cron';

/** The earliest time that a date can represent. */
export const BEFORE_ALL = -8.64e15;
