/** Commands about calendars and maintenance. A changed calendar replans its jobs in the same decision. */

import { CarillonError } from '../../../errors.ts';
import type { CalendarCommand, CommandAnswers } from '../../command.ts';
import { checkCalendar, windowsIn } from '../../job/calendar/check.ts';
import type { CalendarDocument } from '../../job/calendar/document.ts';
import { sameJson } from '../../job/same.ts';
import { type MaintenanceMode, maintenanceId, type StoredCalendar } from '../../model/calendar.ts';
import { unknownCalendar } from '../../state/calendars.ts';
import type { State } from '../../state/state.ts';
import type { Turn } from '../../state/turn.ts';
import { noted } from '../access/audit.ts';
import { holdsChanged } from '../placing.ts';
import { replan, usersOf } from './replan.ts';
import { checkLabels, checkReason, checkUntil } from './until.ts';

const MAX_CALENDARS = 1_000;
const MAX_MAINTENANCE = 100;
/** Rules are expanded again once so much of the time ahead has passed. */
const EXPANDED_AGAIN_MS = 366 * 86_400_000;
const SOON_MS = 366 * 86_400_000;

type Kind = CalendarCommand['kind'];
type Check<K extends Kind> = (
  before: { readonly state: State; readonly now: number },
  command: Extract<CalendarCommand, { kind: K }>,
) => (turn: Turn) => CommandAnswers[K];
type Put = Extract<CalendarCommand, { kind: 'put-calendar' }>;

export const calendarCommands: { readonly [K in Kind]: Check<K> } = {
  'put-calendar': putCalendar,
  'delete-calendar'({ state, now }, { name, by }) {
    const stored = state.calendars.stored(name);
    if (stored === undefined)
      throw unknownCalendar(name, state.calendars.names(), { code: 'CALENDAR_NOT_FOUND', field: 'name' });
    const users = usersOf(state, name);
    if (users.length > 0) throw inUse(name, users);
    return (turn) => {
      state.calendars.remove(name);
      const revision = stored.revision + 1;
      turn.draft.calendarRemoved({ calendar: name, revision, at: now, by, document: null });
      noted(turn, { on: name, before: shown(stored.document) });
      if (stored.document.blackout !== undefined) holdsChanged(turn);
      return stored;
    };
  },
  'begin-maintenance'({ state, now }, { labels, until, reason, by }) {
    checkUntil(until, now);
    checkReason(reason, { required: true });
    checkLabels(labels);
    const mode: MaintenanceMode = { id: maintenanceId(labels), labels, from: now, until, reason, by };
    const { maintenance } = state.calendars;
    const before = maintenance.get(mode.id);
    if (before === undefined && maintenance.size >= MAX_MAINTENANCE)
      throw new CarillonError('LIMIT_EXCEEDED', `There are ${maintenance.size} maintenances already.`, {
        field: 'labels',
        allowed: `at most ${MAX_MAINTENANCE} at a time`,
      });
    return (turn) => {
      const next = { ...mode, from: before?.from ?? now };
      maintenance.set(next.id, next);
      turn.draft.maintenance(next);
      state.endsAt('maintenance', next.id, until);
      noted(turn, {
        on: next.id,
        ...(before !== undefined && { before: shownMode(before) }),
        after: shownMode(next),
      });
      holdsChanged(turn);
      return next;
    };
  },
  'end-maintenance'({ state }, { id }) {
    const mode = state.calendars.maintenance.get(id);
    if (mode === undefined)
      throw new CarillonError('MAINTENANCE_NOT_FOUND', `There is no maintenance '${id}'.`, {
        field: 'id',
        value: id,
        allowed: [...state.calendars.maintenance.keys()],
      });
    return (turn) => {
      noted(turn, { on: id, before: shownMode(mode) });
      endMaintenance(turn, id);
      return mode;
    };
  },
};

/** It is over, or somebody ends it. */
export function endMaintenance(turn: Turn, id: string): void {
  turn.state.calendars.maintenance.delete(id);
  turn.draft.maintenanceEnded(id);
  holdsChanged(turn);
}

function putCalendar({ state, now }: { state: State; now: number }, command: Put) {
  const planned = planCalendar(state, command, now);
  if (command.dryRun) return () => planned;
  return (turn: Turn) => {
    storeCalendar(turn, planned);
    return planned;
  };
}

export type PlannedCalendar = CommandAnswers['put-calendar'];

/** Checks a calendar against the stored one of its name. Changes nothing. */
export function planCalendar(
  state: State,
  { document: raw, expanded, expandedUntil, expected, by, source }: Omit<Put, 'kind' | 'dryRun'>,
  now: number,
): PlannedCalendar {
  const document = checkCalendar(raw, source);
  windowsIn(document, expanded);
  const { calendar: name } = document;
  const before = state.calendars.stored(name);
  if (expected !== undefined && (before?.revision ?? 0) !== expected)
    throw new CarillonError(
      'REVISION_CONFLICT',
      `Calendar '${name}' is at revision ${before?.revision ?? 0}, not ${expected}.`,
      { field: 'revision', value: expected, allowed: String(before?.revision ?? 0) },
    );
  if (before === undefined && state.calendars.names().length >= MAX_CALENDARS)
    throw new CarillonError('LIMIT_EXCEEDED', `There are ${MAX_CALENDARS} calendars already.`, {
      field: 'calendar',
      value: name,
      allowed: `at most ${MAX_CALENDARS}`,
    });
  const isFresh =
    before?.expandedUntil != null &&
    expandedUntil !== null &&
    expandedUntil - before.expandedUntil < EXPANDED_AGAIN_MS;
  const isSame =
    before !== undefined &&
    sameJson(before.document, document) &&
    (isFresh || sameJson(before.expanded, expanded));
  const next: StoredCalendar = {
    name,
    document,
    expanded,
    expandedUntil,
    revision: (before?.revision ?? 0) + 1,
    createdAt: before?.createdAt ?? now,
    updatedAt: now,
    updatedBy: by,
  };
  return {
    calendar: isSame ? before : next,
    before: before ?? null,
    outcome: before === undefined ? 'created' : isSame ? 'unchanged' : 'changed',
    warnings: warningsOf(document, next, now),
    users: usersOf(state, name),
  };
}

/** Puts a planned calendar into effect. */
export function storeCalendar(turn: Turn, { calendar, before, outcome }: PlannedCalendar): void {
  if (outcome === 'unchanged') return;
  const { state, draft } = turn;
  state.calendars.put(calendar);
  draft.calendar(calendar);
  noted(turn, {
    on: calendar.name,
    ...(before !== null && { before: shown(before.document) }),
    after: { ...shown(calendar.document), revision: calendar.revision },
  });
  draft.cut();
  replan(turn, calendar.name);
  if (calendar.document.blackout !== undefined || before?.document.blackout !== undefined) holdsChanged(turn);
}

function warningsOf(document: CalendarDocument, next: StoredCalendar, now: number): string[] {
  const { dates } = windowsIn(document, next.expanded);
  const last = dates.at(-1)?.[1] ?? 0;
  const warnings: string[] = [];
  if ((document.weekly ?? []).length === 0 && last < now) warnings.push('all its dates have passed');
  else if ((document.weekly ?? []).length === 0 && last < now + SOON_MS)
    warnings.push(`it has no dates after ${new Date(last).toISOString().slice(0, 10)}`);
  if (next.expandedUntil !== null)
    warnings.push(
      `its rules are expanded until ${new Date(next.expandedUntil).toISOString().slice(0, 10)}: submit it again before`,
    );
  return warnings;
}

function inUse(name: string, users: readonly string[]): CarillonError {
  const some = `${users.slice(0, 5).join(', ')}${users.length > 5 ? ', …' : ''}`;
  return new CarillonError(
    'CALENDAR_IN_USE',
    `${users.length} ${users.length === 1 ? 'job uses' : 'jobs use'} the calendar '${name}': ${some}.`,
    { field: 'name', value: name, allowed: 'a calendar that no job uses', names: users.slice(0, 100) },
  );
}

const shown = ({ calendar: _, ...rest }: CalendarDocument): Record<string, unknown> => ({ ...rest });

const shownMode = ({ until, reason }: MaintenanceMode): Record<string, unknown> => ({
  until: new Date(until).toISOString(),
  reason,
});
