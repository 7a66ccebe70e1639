/**
 * Adjusts the state of a backup, which does not know what happened since it was taken. Its unfinished runs
 * may have started or ended, so none of them may be launched because of the backup alone. Due times that it
 * has not decided may have had runs, which an engine still knows.
 */

import type { Notification } from '../model/alert.ts';
import type { Backfill } from '../model/backfill.ts';
import type { Attempt, Job, Run } from '../model/model.ts';
import type { StoredRecord } from '../records/kind.ts';
import type { KindName, PresentName, Rules } from '../records/table.ts';

export interface RestoredInto {
  readonly now: number;
  /** The restored scheduler can find this attempt's launch, or learn that it is gone. */
  readonly reaches: (attempt: Attempt) => boolean;
}

/**
 * The run as the restored scheduler starts with it. A launched one counts as running: its engine reports
 * whether it still exists, and otherwise the run ends as lost. One that was not launched, or whose engine
 * cannot be reached, ends as killed.
 */
export function restoredRun(run: Run, { now, reaches }: RestoredInto): Run {
  const attempt = run.attempts.at(-1);
  const isUnderWay = run.state === 'launching' || run.state === 'running';
  const kill = run.kill ?? {
    at: now,
    by: 'restore',
    as: 'killed' as const,
    reason: { code: 'restored', state: run.state } as const,
  };
  if (!isUnderWay || attempt === undefined) return { ...run, kill };
  const begun = { ...attempt, startedAt: attempt.startedAt ?? attempt.createdAt };
  const running = { ...run, state: 'running' as const, attempts: [...run.attempts.slice(0, -1), begun] };
  return reaches(attempt) ? running : { ...running, kill: { ...kill, at: now } };
}

/**
 * The job as the restored scheduler starts with it. Its launches from now on have different names from those
 * decided between the backup and the restore. An engine may know one of these as ended, or the restored
 * scheduler may kill it because it belongs to no run; neither must be reported as the end of a new run.
 */
export const restoredJob = (job: Job, now: number): Job => ({ ...job, restoredAt: now });

/** Kinds of who may ask, which may have been taken away since. */
const accessKinds: readonly KindName[] = ['token', 'token-removed', 'sessions-end', 'sessions-end-removed'];

/** Whether the record says who may ask. A backup does not know which tokens were revoked after it was taken. */
export const isOfAccess = ([kind]: StoredRecord): boolean =>
  (accessKinds as readonly string[]).includes(kind);

/** Kinds that a restore changes. */
export const restoredRecords: Partial<Rules<PresentName, RestoredInto, unknown>> = {
  job: ({ now }, job) => restoredJob(job, now),
  run: (into, run) => restoredRun(run, into),
  // It may have come further since, and whoever resumes it knows.
  backfill: (_, backfill): Backfill =>
    backfill.state === 'running' ? { ...backfill, state: 'paused' } : backfill,
  // It may have been delivered since, and a test of a backup must wake nobody.
  notification: (_, notification): Notification =>
    notification.state === 'waiting'
      ? { ...notification, state: 'failed', error: 'it was owed when the backup was taken' }
      : notification,
};
