/**
 * Decides whether a job is late, since when and why: by its unfinished runs (state/late.ts), or
 *
 * 1. `finishBy` has passed, and the round of a job with parents still waits for some of them.
 * 2. A due time is a minute past and undecided: no node leads, or this copy is stale.
 *
 * A paused or disabled job is late only with existing runs. A job that waits for a late parent is not late
 * itself: it counts as downstream of the parent.
 */

import type { JobGlance, Lacking } from '../handle.ts';
import type { Run } from '../model/model.ts';
import type { Reason } from '../model/reason.ts';
import { finish, LATE_AFTER_MS, lateRuns, localTimeAfter, notFinished } from '../state/late.ts';

export interface Late {
  readonly kind: 'not-started' | 'not-ended' | 'not-decided';
  /** When the job became late. */
  readonly since: number;
  readonly reason: Reason;
  /** The late run. Null if it does not exist yet. */
  readonly run: Run | null;
}

/** Null if the job is on time. `lacking` is only called if needed. */
export function lateness(job: JobGlance, now: number, lacking: (name: string) => Lacking[]): Late | null {
  for (const run of job.runs) {
    const late = lateRuns(job, run, now).find(({ condition }) => condition !== 'at-risk');
    if (late !== undefined) return { kind: late.kind, since: late.since, reason: late.reason, run };
  }
  if (job.fault !== null || job.state.paused !== null || job.state.disabled !== null) return null;
  return lateRound(job, now, lacking) ?? undecided(job, now);
}

function lateRound(job: JobGlance, now: number, lacking: (name: string) => Lacking[]): Late | null {
  const { finishBy, zone } = finish(job);
  if (finishBy === undefined || job.state.join === null) return null;
  const [oldest] = lacking(job.job.name);
  if (oldest === undefined) return null;
  const since = localTimeAfter(finishBy, zone, oldest.due);
  if (now <= since) return null;
  return { kind: 'not-ended', since, reason: notFinished(finishBy, zone, oldest.parents), run: null };
}

function undecided({ due }: JobGlance, now: number): Late | null {
  if (due === null || now <= due + LATE_AFTER_MS) return null;
  return { kind: 'not-decided', since: due + LATE_AFTER_MS, reason: { code: 'not-decided' }, run: null };
}
