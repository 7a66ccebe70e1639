/** A calendar as a user writes it: one schema for the type, the check and the OpenAPI document. */

import { type Static, Type } from 'typebox';
import { zoneNames } from '../schema/choices.ts';
import { closed, definitionLimits, oneOf, text, textMap } from '../schema/parts.ts';
import { published } from '../schema/published.ts';

export const calendarLimits = {
  dates: 5_000,
  weekly: 100,
  rules: 100,
  /** Merged: keeps a calendar below the size of one stored node. */
  windows: 10_000,
} as const;

export const calendarNamePattern = '^(?!\\.{1,2}$)[A-Za-z0-9_.-]{1,128}$';

const Blackout = Type.Object(
  {
    labels: textMap('Jobs with all of these labels.', definitionLimits.labels),
    then: oneOf(['wait', 'skip'], {
      description: 'wait: runs that are due wait for the end of the window. skip: they are skipped.',
    }),
  },
  { ...closed, description: 'Jobs of these labels do not start runs in the windows of the calendar.' },
);

const line = (description: string) => Type.String({ maxLength: 512, description });

export const CalendarDocument = Type.Object(
  {
    calendar: Type.String({
      pattern: calendarNamePattern,
      description: 'Unique name: 1 to 128 letters, digits, dots, dashes and underscores; not . or ..',
    }),
    description: Type.Optional(text('What the calendar is for.')),
    timezone: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'IANA time zone of its dates and times. Default: UTC.',
        ...published(zoneNames),
      }),
    ),
    dates: Type.Optional(
      Type.Array(line('2026-12-25, 2026-12-24..2027-01-01, or 2026-12-24T18:00..2026-12-27T06:00.'), {
        maxItems: calendarLimits.dates,
        description: 'Days and ranges, each with a text behind it if you like.',
      }),
    ),
    weekly: Type.Optional(
      Type.Array(line('sat, mon-fri, or mon-fri 18:00-06:00.'), {
        maxItems: calendarLimits.weekly,
        description: 'Times of every week.',
      }),
    ),
    rules: Type.Optional(
      Type.Array(Type.String({ maxLength: 2_048, description: 'DTSTART and RRULE of RFC 5545.' }), {
        maxItems: calendarLimits.rules,
        description:
          'Rules of RFC 5545: lines with DTSTART, RRULE, and DURATION or DTEND unless it is a whole day. They are ' +
          'expanded when the calendar is submitted, ten years ahead.',
      }),
    ),
    blackout: Type.Optional(Blackout),
  },
  { ...closed, description: 'Named days and times, by which schedules leave out or choose due times.' },
);
export type CalendarDocument = Static<typeof CalendarDocument>;

/** Whether an entry of a job file is a calendar. */
export const isCalendarDocument = (document: unknown): document is { readonly calendar: unknown } =>
  typeof document === 'object' &&
  document !== null &&
  !Array.isArray(document) &&
  'calendar' in document &&
  !('name' in document);
