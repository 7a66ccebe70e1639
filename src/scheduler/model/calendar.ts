/** Calendars and maintenance as stored: they belong to the installation, not to a job. */

import type { CalendarDocument } from '../job/calendar/document.ts';
import type { Labels } from '../job/node-choice.ts';
import type { Window } from '../schedule/calendar/calendar.ts';

export interface StoredCalendar {
  readonly name: string;
  readonly document: CalendarDocument;
  /** Windows of its rules, which are expanded when it is submitted. */
  readonly expanded: readonly Window[];
  /** The rules are expanded up to this time. Null: it has no rules, or all of them end before. */
  readonly expandedUntil: number | null;
  /** Increases by 1 with each accepted change, starting at 1. */
  readonly revision: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly updatedBy: string;
}

/** One accepted change of a calendar. A deletion has no document. */
export interface CalendarRevision {
  readonly calendar: string;
  readonly revision: number;
  readonly at: number;
  readonly by: string;
  readonly document: CalendarDocument | null;
}

/** In the history: whose past the revisions of a calendar are. */
export const calendarOwner = (name: string): string => `~calendar.${name}`;

/** No runs of these jobs start until then; those that run go on. There is one for each set of labels. */
export interface MaintenanceMode {
  /** See `maintenanceId`. */
  readonly id: string;
  /** All of them. Empty: every job. */
  readonly labels: Labels;
  readonly from: number;
  readonly until: number;
  readonly reason: string;
  readonly by: string;
}

/** `all`, or the labels in their order: `team=sales,tier=db`. */
export function maintenanceId(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
  return pairs.length === 0 ? 'all' : pairs.sort().join(',');
}
