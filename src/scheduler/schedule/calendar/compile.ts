/** Puts a calendar and exceptions on a compiled schedule. */

import { zoneFor } from '../adjusted.ts';
import type { CalendarChoice, CalendarSchedule, Exception, OpenSchedule, Schedule } from '../model.ts';
import { zoneOf } from '../zone.ts';
import type { Calendar } from './calendar.ts';

export interface Leaving {
  readonly choice: CalendarChoice | null;
  /** Null with a choice: it does not exist. */
  readonly calendar: Calendar | null;
  readonly exceptions: readonly Exception[];
}

/** The schedule itself if nothing is taken out. */
export function leavingOut(open: OpenSchedule, { choice, calendar, exceptions }: Leaving): Schedule {
  const chosen = choice === null ? null : calendar;
  if (chosen === null && exceptions.length === 0) return open;
  const isOnly = choice?.only !== undefined;
  const then = choice?.then ?? 'skip';
  const [fromMs, untilMs] =
    open.kind === 'adjusted' ? [open.fromMs, open.untilMs] : [-Infinity, Number.POSITIVE_INFINITY];
  const words = chosen === null ? '' : ` ${isOnly ? 'only' : 'except'} ${chosen.name}, ${then}`;
  return {
    kind: 'calendared',
    text: `${open.text}${words}`,
    timezone: open.timezone,
    open,
    calendar: chosen,
    isOnly,
    then,
    zone: open.kind === 'any' ? (chosen?.zone ?? zoneOf('UTC')) : zoneFor(open),
    fromMs,
    untilMs,
    exceptions,
  } satisfies CalendarSchedule;
}
