/**
 * What a backup does not know is what happened since it was taken. Runs that were unfinished in it may have started or
 * ended, so none of them may be launched on the strength of the backup alone. And instants that it has not decided may
 * have had runs, which an engine still knows.
 */

import type { Attempt, Job, Run } from '../model/model.ts';
import type { PresentName, Rules } from '../records/table.ts';

export interface RestoredInto {
  readonly now: number;
  /** The restored scheduler will find this attempt's launch where it is, or learn that it is gone. */
  readonly reaches: (attempt: Attempt) => boolean;
}

/**
 * The run as the restored scheduler is to begin with it. One that was under way is taken for running: its engine says
 * whether it still has it, and without it the run ends as lost. One that was not, or whose engine can't be asked, ends
 * as killed.
 */
export function restoredRun(run: Run, { now, reaches }: RestoredInto): Run {
  const attempt = run.attempts.at(-1);
  const isUnderWay = run.state === 'launching' || run.state === 'running';
  const kill = run.kill ?? {
    at: now,
    by: 'restore',
    as: 'killed' as const,
    reason: `it was ${run.state} when the backup was taken, and what became of it since is not known`,
  };
  if (!isUnderWay || attempt === undefined) return { ...run, kill };
  const begun = { ...attempt, startedAt: attempt.startedAt ?? attempt.createdAt };
  const running = { ...run, state: 'running' as const, attempts: [...run.attempts.slice(0, -1), begun] };
  return reaches(attempt) ? running : { ...running, kill: { ...kill, at: now } };
}

/**
 * The job as the restored scheduler is to begin with it. Launches that it decides from now on have other names than
 * those that were decided between the backup and the restore: an engine that knows one of these as ended, or as ended
 * by the restored scheduler because it belonged to no run, must not report that as the end of a run of now.
 */
export const restoredJob = (job: Job, now: number): Job => ({ ...job, restoredAt: now });

/** Kinds that a restore changes. */
export const restoredRecords: Partial<Rules<PresentName, RestoredInto, unknown>> = {
  job: ({ now }, job) => restoredJob(job, now),
  run: (into, run) => restoredRun(run, into),
};
