/**
 * What keeps runs from starting although they are due: maintenance, and the blackout windows of calendars. A held run is
 * queued until then, with its reason; it is asked again when that time has come or what holds it has changed. What was
 * launched goes on.
 */

import { hasLabels, type Labels } from '../../job/node-choice.ts';
import type { Reason } from '../../model/reason.ts';
import { type Calendar, covers, nextChange } from '../../schedule/calendar/calendar.ts';
import type { Entry, State } from '../../state/state.ts';

export interface Hold {
  /** When it ends, or when to ask again. */
  readonly until: number;
  readonly reason: Extract<Reason, { code: 'maintenance' | 'blackout' }>;
  readonly then: 'wait' | 'skip';
}

/** Edges of one blackout that are passed over to find its end; it is asked again there. */
const MAX_EDGES = 100;

/** The hold that ends last. Null: the job may start. */
export function holdOf({ calendars }: State, { job }: Entry, now: number): Hold | null {
  if (calendars.maintenance.size === 0 && calendars.blackouts.length === 0) return null;
  const labels = job.definition.labels ?? {};
  const holds = [...maintenanceOf(calendars, labels, now), ...blackoutsOf(calendars, labels, now)];
  return holds.reduce<Hold | null>(
    (last, each) => (last === null || isStronger(each, last) ? each : last),
    null,
  );
}

/** What is skipped is not asked how long. */
const isStronger = (a: Hold, b: Hold): boolean => (a.then === b.then ? a.until > b.until : a.then === 'skip');

function* maintenanceOf({ maintenance }: State['calendars'], labels: Labels, now: number): Iterable<Hold> {
  for (const mode of maintenance.values())
    if (mode.until > now && hasLabels(labels, mode.labels))
      yield {
        until: mode.until,
        reason: { code: 'maintenance', until: mode.until, text: mode.reason },
        then: 'wait',
      };
}

function* blackoutsOf({ blackouts }: State['calendars'], labels: Labels, now: number): Iterable<Hold> {
  for (const { stored, compiled } of blackouts) {
    const { blackout } = stored.document;
    if (blackout === undefined || !hasLabels(labels, blackout.labels) || !covers(compiled, now)) continue;
    const until = endOf(compiled, now);
    yield { until, reason: { code: 'blackout', calendar: stored.name, until }, then: blackout.then };
  }
}

/** The end of the windows around the instant. */
export function endOf(calendar: Calendar, now: number): number {
  let at = nextChange(calendar, now);
  for (let edges = 0; edges < MAX_EDGES && covers(calendar, at); edges++) at = nextChange(calendar, at);
  return at;
}
