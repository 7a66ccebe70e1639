/** Calendars as lists and pages show them. */

import type { CalendarReads, CalendarView } from '../handle.ts';
import { calendarsIn } from '../job/calendar/used.ts';
import { unknownCalendar } from '../state/calendars.ts';
import type { State } from '../state/state.ts';

export function calendarReads(state: State): CalendarReads {
  const { calendars } = state;
  return {
    all: () => allOf(state),
    one: (name) => viewOf(state, name, usersOf(state, name)),
    names: () => calendars.names(),
    maintenance: () => calendars.maintenance.values(),
    find: calendars.compiled,
  };
}

/** Jobs that use a calendar, in order of name. */
const usersOf = (state: State, name: string): string[] =>
  [...state.jobs.values()]
    .filter(({ job }) => calendarsIn(job.definition).includes(name))
    .map(({ job }) => job.name)
    .sort();

function allOf(state: State): CalendarView[] {
  const users = new Map<string, string[]>();
  for (const { job } of state.jobs.values())
    for (const name of calendarsIn(job.definition)) users.set(name, [...(users.get(name) ?? []), job.name]);
  return state.calendars.names().map((name) => viewOf(state, name, (users.get(name) ?? []).sort()));
}

function viewOf({ calendars }: State, name: string, users: readonly string[]): CalendarView {
  const stored = calendars.stored(name);
  if (stored === undefined)
    throw unknownCalendar(name, calendars.names(), { code: 'CALENDAR_NOT_FOUND', field: 'name' });
  return { stored, compiled: calendars.compiled(name) ?? null, users };
}
