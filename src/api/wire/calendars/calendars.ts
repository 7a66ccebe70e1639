/** Calendars and maintenance. */

import { type Static, Type } from 'typebox';
import type { CalendarView } from '../../../scheduler/handle.ts';
import { CalendarDocument } from '../../../scheduler/job/calendar/document.ts';
import { oneOf } from '../../../scheduler/job/definition.ts';
import type { CalendarRevision, MaintenanceMode } from '../../../scheduler/model/calendar.ts';
import { iso, isoOrNull } from '../instants.ts';
import { instant, list, orNull, ref } from '../shape.ts';

export const WireCalendarDocument = Type.Object(CalendarDocument.properties, {
  $id: 'CalendarDocument',
  additionalProperties: false,
});
export type WireCalendarDocument = Static<typeof WireCalendarDocument>;

const labels = Type.Record(Type.String(), Type.String());

export const WireCalendar = Type.Object(
  {
    name: Type.String(),
    definition: ref(WireCalendarDocument),
    revision: Type.Integer({ minimum: 1 }),
    updatedAt: instant(),
    updatedBy: Type.String(),
    expandedUntil: orNull(instant('Its rules are expanded up to this time: submit it again before.'), {
      description: 'Null: it has no rules, or all of them end before.',
    }),
    users: Type.Array(Type.String(), { description: 'Jobs that use it, as far as you see them.' }),
    usable: Type.Boolean({ description: 'False: this node cannot use it.' }),
  },
  { $id: 'Calendar' },
);
export type WireCalendar = Static<typeof WireCalendar>;
export const WireCalendarList = list(ref(WireCalendar), 'CalendarList');

export const WireCalendarChange = Type.Object(
  {
    calendar: ref(WireCalendar),
    outcome: oneOf(['created', 'changed', 'unchanged']),
    warnings: Type.Array(Type.String()),
  },
  { $id: 'CalendarChange' },
);
export type WireCalendarChange = Static<typeof WireCalendarChange>;

export const WireCalendarPreview = Type.Object(
  {
    timezone: Type.String(),
    windows: Type.Array(
      Type.Object({
        from: instant(),
        to: instant('Not included.'),
        label: Type.String({ description: 'The text behind the date. Empty: none.' }),
      }),
      { description: 'In the range, ascending; adjacent ones with the same text are one.' },
    ),
    complete: Type.Boolean({ description: 'False: there are more.' }),
  },
  { $id: 'CalendarPreview' },
);
export type WireCalendarPreview = Static<typeof WireCalendarPreview>;

export const WireCalendarRevision = Type.Object(
  {
    revision: Type.Integer(),
    at: instant(),
    by: Type.String(),
    definition: orNull(ref(WireCalendarDocument), { description: 'Null: it was deleted.' }),
  },
  { $id: 'CalendarRevision' },
);
export type WireCalendarRevision = Static<typeof WireCalendarRevision>;
export const WireCalendarRevisionList = list(ref(WireCalendarRevision), 'CalendarRevisionList');

export const WireMaintenance = Type.Object(
  {
    id: Type.String(),
    labels,
    from: instant(),
    until: instant('It ends by itself.'),
    reason: Type.String(),
    by: Type.String(),
  },
  { $id: 'Maintenance' },
);
export type WireMaintenance = Static<typeof WireMaintenance>;
export const WireMaintenanceList = list(ref(WireMaintenance), 'MaintenanceList');

export const WireException = Type.Object(
  {
    job: Type.String(),
    at: instant('The due time.'),
    movedTo: orNull(instant(), { description: 'Null: it is skipped.' }),
    by: Type.String(),
    reason: Type.String(),
  },
  { $id: 'Exception' },
);

export type WireException = Static<typeof WireException>;

export const calendarToWire = ({ stored, compiled, users }: CalendarView): WireCalendar => ({
  name: stored.name,
  definition: stored.document,
  revision: stored.revision,
  updatedAt: iso(stored.updatedAt),
  updatedBy: stored.updatedBy,
  expandedUntil: isoOrNull(stored.expandedUntil),
  users: [...users],
  usable: compiled !== null,
});

export const calendarRevisionToWire = ({
  revision,
  at,
  by,
  document,
}: CalendarRevision): WireCalendarRevision => ({ revision, at: iso(at), by, definition: document });

export const maintenanceToWire = ({ from, until, ...mode }: MaintenanceMode): WireMaintenance => ({
  ...mode,
  labels: { ...mode.labels },
  from: iso(from),
  until: iso(until),
});
