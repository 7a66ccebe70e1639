/**
 * A schedule without the due times that a calendar or a person takes out. A due time that is taken out may be moved: the run is
 * then due at another time, and at its own time there is none. All of this is a function of the schedule, the calendar and the
 * exceptions, so `nextInstant` and the others need to know nothing else.
 */

import { DAY_MS } from '../civil.ts';
import type { CalendarSchedule, OpenSchedule } from '../model.ts';
import { instantOfWall, offsetAt } from '../zone.ts';
import { covers, nextChange, previousChange } from './calendar.ts';

/** A run is moved by at most so many days. */
export const MOST_DAYS_MOVED = 31;
const MOVED_MS = (MOST_DAYS_MOVED + 1) * DAY_MS;
/** As long as the search of a cron expression. */
const HORIZON_MS = 50 * 366 * DAY_MS;
/** Due times whose move is looked at to find one due time: more than a schedule may have that moves them. */
const MAX_LOOKED_AT = 2_000;
/** Due times in 31 days of a schedule whose runs a calendar moves. */
export const MOST_MOVED = 100;

/** A due time that is taken out. */
export interface TakenOut {
  readonly at: number;
  /** The calendar. Null: an exception for this due time. */
  readonly calendar: string | null;
  /** Where the run is moved. Null: nowhere, or nothing is found within 31 days. */
  readonly to: number | null;
}

/** `nextInstant` or `previousInstant`, for the schedule that something is taken out of. */
type Step = (schedule: OpenSchedule, at: number) => number | null;

export function nextOpen(
  schedule: CalendarSchedule,
  afterMs: number,
  next: Step,
  most = HORIZON_MS,
): number | null {
  const untilMs = afterMs + most;
  let best = nextAllowed(schedule, afterMs, untilMs, next);
  const take = (to: number | null): void => {
    if (to !== null && to > afterMs && (best === null || to < best)) best = to;
  };
  for (const { to } of schedule.exceptions) take(to);
  if (schedule.then === 'skip') return best;
  // Moved later: from before. Moved earlier: from behind.
  let at = nextCovered(schedule, schedule.then === 'next' ? afterMs - MOVED_MS : afterMs, next);
  for (let looked = 0; at !== null && looked < MAX_LOOKED_AT; looked++) {
    const last: number = schedule.then === 'next' ? (best ?? untilMs) : (best ?? untilMs) + MOVED_MS;
    if (at >= last) break;
    take(movedBy(schedule, at));
    at = nextCovered(schedule, at, next);
  }
  return best;
}

export function previousOpen(schedule: CalendarSchedule, beforeMs: number, previous: Step): number | null {
  const fromMs = beforeMs - HORIZON_MS;
  let best = previousAllowed(schedule, beforeMs, fromMs, previous);
  const take = (to: number | null): void => {
    if (to !== null && to < beforeMs && (best === null || to > best)) best = to;
  };
  for (const { to } of schedule.exceptions) take(to);
  if (schedule.then === 'skip') return best;
  let at = previousCovered(schedule, schedule.then === 'next' ? beforeMs : beforeMs + MOVED_MS, previous);
  for (let looked = 0; at !== null && looked < MAX_LOOKED_AT; looked++) {
    const first: number = schedule.then === 'next' ? (best ?? fromMs) - MOVED_MS : (best ?? fromMs);
    if (at <= first) break;
    take(movedBy(schedule, at));
    at = previousCovered(schedule, at, previous);
  }
  return best;
}

/** The next due time that is taken out, strictly after. Null: none within 50 years. */
export function nextTakenOut(schedule: CalendarSchedule, afterMs: number, next: Step): TakenOut | null {
  const byCalendar = nextCovered(schedule, afterMs, next);
  let first: TakenOut | null =
    byCalendar === null
      ? null
      : { at: byCalendar, calendar: schedule.calendar?.name ?? null, to: movedBy(schedule, byCalendar) };
  for (const { at, to } of schedule.exceptions)
    if (at > afterMs && (first === null || at < first.at) && next(schedule.open, at - 1) === at)
      first = { at, calendar: null, to };
  return first;
}

/** The due time whose run this is: another one if it was moved. */
export function originOf(schedule: CalendarSchedule, due: number, next: Step): number {
  if (next(schedule.open, due - 1) === due && !isTakenOut(schedule, due)) return due;
  const exception = schedule.exceptions.find(({ to }) => to === due);
  if (exception !== undefined) return exception.at;
  let at = nextCovered(schedule, due - MOVED_MS, next);
  for (let looked = 0; at !== null && at < due + MOVED_MS && looked < MAX_LOOKED_AT; looked++) {
    if (movedBy(schedule, at) === due) return at;
    at = nextCovered(schedule, at, next);
  }
  return due;
}

function isTakenOut(schedule: CalendarSchedule, at: number): boolean {
  return isCovered(schedule, at) || schedule.exceptions.some((each) => each.at === at);
}

/** By the calendar alone. */
function isCovered({ calendar, isOnly }: CalendarSchedule, at: number): boolean {
  return calendar !== null && covers(calendar, at) !== isOnly;
}

const isException = ({ exceptions }: CalendarSchedule, at: number): boolean =>
  exceptions.some((each) => each.at === at);

/** The first due time that stays where it is. */
function nextAllowed(
  schedule: CalendarSchedule,
  afterMs: number,
  untilMs: number,
  next: Step,
): number | null {
  let at = next(schedule.open, afterMs);
  while (at !== null && at <= untilMs) {
    if (isCovered(schedule, at)) at = next(schedule.open, nextChange(schedule.calendar!, at) - 1);
    else if (isException(schedule, at)) at = next(schedule.open, at);
    else return at;
  }
  return null;
}

function previousAllowed(
  schedule: CalendarSchedule,
  beforeMs: number,
  fromMs: number,
  previous: Step,
): number | null {
  let at = previous(schedule.open, beforeMs);
  while (at !== null && at >= fromMs) {
    if (isCovered(schedule, at)) at = previous(schedule.open, previousChange(schedule.calendar!, at));
    else if (isException(schedule, at)) at = previous(schedule.open, at);
    else return at;
  }
  return null;
}

/** The next due time that the calendar takes out, unless there is an exception for it. */
function nextCovered(schedule: CalendarSchedule, afterMs: number, next: Step): number | null {
  if (schedule.calendar === null) return null;
  const untilMs = afterMs + HORIZON_MS;
  let at = next(schedule.open, afterMs);
  while (at !== null && at <= untilMs) {
    if (!isCovered(schedule, at)) at = next(schedule.open, nextChange(schedule.calendar, at) - 1);
    else if (isException(schedule, at)) at = next(schedule.open, at);
    else return at;
  }
  return null;
}

function previousCovered(schedule: CalendarSchedule, beforeMs: number, previous: Step): number | null {
  if (schedule.calendar === null) return null;
  const fromMs = beforeMs - HORIZON_MS;
  let at = previous(schedule.open, beforeMs);
  while (at !== null && at >= fromMs) {
    if (!isCovered(schedule, at)) at = previous(schedule.open, previousChange(schedule.calendar, at));
    else if (isException(schedule, at)) at = previous(schedule.open, at);
    else return at;
  }
  return null;
}

/** The same local time of the next or the previous day on which the calendar lets it be. */
function movedBy(schedule: CalendarSchedule, at: number): number | null {
  if (schedule.then === 'skip') return null;
  const step = schedule.then === 'next' ? DAY_MS : -DAY_MS;
  const wallMs = at + offsetAt(schedule.zone, at);
  for (let days = 1; days <= MOST_DAYS_MOVED; days++) {
    const to = instantOfWall(schedule.zone, wallMs + days * step);
    if (!isCovered(schedule, to)) return to >= schedule.fromMs && to < schedule.untilMs ? to : null;
  }
  return null;
}
