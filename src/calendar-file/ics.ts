/** Reads an iCalendar file (RFC 5545) as a calendar: its events become dates, recurring ones up to a horizon. */

import ical, { type CalendarComponent, type VEvent } from 'node-ical';
import { CarillonError } from '../errors.ts';
import { type CalendarDocument, calendarLimits } from '../scheduler/job/calendar/document.ts';
import type { Window } from '../scheduler/schedule/calendar/calendar.ts';
import { datesText } from '../scheduler/schedule/calendar/text.ts';
import { DAY_MS } from '../scheduler/schedule/civil.ts';
import { offsetAt, zoneOf } from '../scheduler/schedule/zone.ts';

/** Bytes: calendars of holidays have some kilobytes. */
const MAX_LENGTH = 2 * 1024 * 1024;
const MAX_LABEL = 100;

export interface ReadIcs {
  readonly document: CalendarDocument;
  /** Events that end before, and those that begin later, are left out. */
  readonly from: number;
  readonly to: number;
  readonly events: number;
}

export interface IcsOptions {
  readonly name: string;
  readonly timezone: string;
  readonly from: number;
  readonly to: number;
  readonly source: string;
}

/** INVALID_BODY, LIMIT_EXCEEDED. */
export function readIcs(text: string, { name, timezone, from, to, source }: IcsOptions): ReadIcs {
  if (text.length > MAX_LENGTH)
    throw new CarillonError('LIMIT_EXCEEDED', `${source} has ${text.length} characters.`, {
      field: 'file',
      allowed: `at most ${MAX_LENGTH}`,
    });
  if (!/^BEGIN:VCALENDAR\s*$/im.test(text)) throw notIcs(source, 'it has no BEGIN:VCALENDAR');
  const dates = new Map<string, Window>();
  let events = 0;
  for (const event of eventsIn(text, source)) {
    if (event.type !== 'VEVENT' || event.status === 'CANCELLED') continue;
    events += 1;
    for (const window of windowsOf(event, { timezone, from, to }))
      dates.set(`${datesText(window)}${labelOf(event.summary)}`, window);
  }
  if (dates.size > calendarLimits.dates)
    throw new CarillonError('LIMIT_EXCEEDED', `${source} has ${dates.size} events until the horizon.`, {
      field: 'file',
      allowed: `at most ${calendarLimits.dates}`,
    });
  const sorted = [...dates].sort(([, a], [, b]) => a[0] - b[0] || a[1] - b[1]).map(([line]) => line);
  return { document: { calendar: name, timezone, dates: sorted }, from, to, events };
}

function eventsIn(text: string, source: string): CalendarComponent[] {
  try {
    return Object.values(ical.parseICS(text)).filter((each) => each !== undefined);
  } catch (error) {
    throw notIcs(source, error instanceof Error ? error.message : String(error));
  }
}

function windowsOf(
  event: VEvent,
  { timezone, from, to }: Pick<IcsOptions, 'timezone' | 'from' | 'to'>,
): Window[] {
  const range = { from: new Date(from), to: new Date(to), expandOngoing: true };
  const zone = zoneOf(timezone);
  const local = (at: Date): number => at.getTime() + offsetAt(zone, at.getTime());
  // A date without a time is midnight of this process's zone.
  const day = (at: Date): number => Date.UTC(at.getFullYear(), at.getMonth(), at.getDate());
  return ical.expandRecurringEvent(event, range).flatMap(({ start, end, isFullDay }): Window[] => {
    const begin = isFullDay ? day(start) : minute(local(start));
    const finish = isFullDay ? Math.max(day(end), begin + DAY_MS) : minute(local(end) + 59_999);
    return finish > begin ? [[begin, finish]] : [];
  });
}

const minute = (wallMs: number): number => Math.floor(wallMs / 60_000) * 60_000;

/** A text behind the date. */
function labelOf(summary: unknown): string {
  const text =
    typeof summary === 'string' ? summary : ((summary as { val?: unknown } | undefined)?.val ?? '');
  const clean = String(text)
    .replaceAll(/[\p{Cc}\p{Surrogate}\s]+/gu, ' ')
    .trim();
  return clean === '' ? '' : ` ${clean.slice(0, MAX_LABEL)}`;
}

function notIcs(source: string, problem: string): CarillonError {
  return new CarillonError('INVALID_BODY', `${source} is no iCalendar file: ${problem}.`, {
    field: 'file',
    allowed: 'a text with BEGIN:VCALENDAR, as calendars export it (.ics)',
    source,
  });
}
