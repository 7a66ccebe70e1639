/** A job as the state has it, and what is planned for a time. */

import type { Job, JobState, JobStats, LedgerLine, Run } from '../model/model.ts';
import type { Schedule } from '../schedule/model.ts';

/** A job and everything that belongs to it. */
export interface Entry {
  job: Job;
  state: JobState;
  stats: JobStats | null;
  schedule: Schedule | null;
  /** Why the job cannot be used here and is blocked. Null: it can be used. See usable.ts. */
  fault: string | null;
  /** The next undecided due time, whether the job is paused or not. Null if there is none. */
  due: number | null;
  /** The next undecided due time that a calendar or an exception takes out. Null if there is none. */
  out: number | null;
  /** Unfinished runs, oldest decision first. */
  runs: readonly Run[];
  priority: number;
  /** The ledger entry that the next skipped or missed due time may extend. */
  openLine: LedgerLine | null;
}

/** Counters, cursor and percentiles of a removed job. */
export interface Past {
  readonly state: JobState;
  readonly stats: JobStats | null;
}

/** An unfinished run in the timetable. */
export interface RunTimer {
  readonly run: Run;
  readonly priority: number;
}

/** When to look whether an unfinished run is late. */
export interface LateTimer {
  readonly lateRun: Run;
  readonly priority: number;
}

/** When to look what is due about an open alert. */
export interface AlertTimer {
  /** Its id. */
  readonly alert: string;
  readonly key: string;
  readonly priority: number;
}

/** When to look at the deadlines of a job whose run may not exist yet. */
export interface DeadlineTimer {
  readonly deadlineOf: string;
  readonly priority: number;
}

/** When maintenance ends, or a pause. */
export interface EndTimer {
  readonly ends: 'maintenance' | 'pause';
  /** The id of the maintenance, or the job. */
  readonly key: string;
  readonly priority: number;
}

/** A backfill continues after what else is due. */
export interface BackfillTimer {
  readonly backfill: string;
  readonly priority: number;
}

export type Timed = Entry | RunTimer | LateTimer | AlertTimer | DeadlineTimer | EndTimer | BackfillTimer;
