/** When nobody is notified: a mute of the job, or a maintenance window. Alerts open and end as usual. */

import type { JobDefinition } from '../../job/definition.ts';
import type { Alert, Maintenance } from '../../model/alert.ts';
import type { State } from '../../state/state.ts';
import { isWithin, matchesSubject, type Routed } from './routes.ts';

/** How soon the end of recurring hours is noticed. */
export const HOURS_LOOK_MS = 60_000;

export interface Silence {
  /** When it ends, or when to look again. */
  readonly until: number;
  readonly reason: string;
}

/** The one that lasts longest. Null: nothing keeps the alert from being reported. */
export function silenceOf(state: State, alert: Alert, now: number): Silence | null {
  const { muted = null } = (alert.job === null ? undefined : state.jobs.get(alert.job)?.state) ?? {};
  const found: Silence[] = muted !== null && muted.until > now ? [muted] : [];
  for (const window of state.settings.maintenance ?? [])
    if (matchesSubject(window, subjectOf(state, alert)) && isActive(window, now))
      found.push({ until: endOf(window, now), reason: window.reason });
  return found.toSorted((a, b) => b.until - a.until)[0] ?? null;
}

/** What routes and windows look at: the job as it is now. */
export function subjectOf(state: State, alert: Alert): Routed {
  const { owner = null, labels = {} } = definitionOf(state, alert);
  return { owner, labels, condition: alert.condition, severity: alert.severity };
}

/** Of the job. Empty if the alert is not about a job. */
export const definitionOf = ({ jobs }: State, { job }: Alert): Partial<JobDefinition> =>
  (job === null ? undefined : jobs.get(job)?.job.definition) ?? {};

const endOf = ({ hours, until }: Maintenance, now: number): number =>
  Math.min(
    hours === null ? Number.POSITIVE_INFINITY : now + HOURS_LOOK_MS,
    until ?? Number.POSITIVE_INFINITY,
  );

const isActive = ({ from, until, hours }: Maintenance, now: number): boolean =>
  (from === null || from <= now) &&
  (until === null || now < until) &&
  (hours === null || isWithin(hours, now));
