/** Kinds of records of calendars and maintenance. A part of the table. */

import {
  type CalendarRevision,
  calendarOwner,
  type MaintenanceMode,
  type StoredCalendar,
} from '../model/calendar.ts';
import {
  decodeCalendar,
  decodeCalendarRevision,
  decodeMaintenance,
  encodeCalendar,
  encodeCalendarRevision,
  encodeMaintenance,
} from './codec.ts';
import type { PastKind, PresentKind, RemovalKind } from './kind.ts';

export const calendarKinds = {
  calendar: {
    is: 'present',
    since: 7,
    steps: [],
    table: 'calendars',
    key: ({ name }) => name,
    encode: encodeCalendar,
    decode: ([, name, value]) => decodeCalendar(name, value),
  } satisfies PresentKind<StoredCalendar>,
  'calendar-removed': {
    is: 'removal',
    since: 7,
    steps: [],
    removes: ['calendar'],
    key: ({ name }) => name,
    encode: () => ({}),
    decode: ([, name]) => ({ name }),
  } satisfies RemovalKind<Pick<StoredCalendar, 'name'>>,
  /** A calendar that is created again begins with 1, so they are in order of time. */
  'calendar-revision': {
    is: 'past',
    since: 7,
    steps: [],
    table: 'calendar-revisions',
    keep: 100,
    key: ({ calendar }) => calendar,
    more: ({ revision }) => revision,
    owner: ([, calendar]) => calendarOwner(calendar),
    place: ([, , { at }, revision]) => [at as number, revision as number],
    encode: encodeCalendarRevision,
    decode: ([, calendar, value, revision]) => decodeCalendarRevision(calendar, revision as number, value),
  } satisfies PastKind<CalendarRevision>,
  maintenance: {
    is: 'present',
    since: 7,
    steps: [],
    table: 'maintenance',
    key: ({ id }) => id,
    encode: encodeMaintenance,
    decode: ([, id, value]) => decodeMaintenance(id, value),
  } satisfies PresentKind<MaintenanceMode>,
  'maintenance-ended': {
    is: 'removal',
    since: 7,
    steps: [],
    removes: ['maintenance'],
    key: ({ id }) => id,
    encode: () => ({}),
    decode: ([, id]) => ({ id }),
  } satisfies RemovalKind<Pick<MaintenanceMode, 'id'>>,
} as const;
