/**
 * Runs that were unfinished when a backup was taken. Whether they started or ended since is not known to whoever
 * restores it, so none of them may be launched on the strength of the backup alone.
 */

import type { Attempt, Run } from './model.ts';

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
