/**
 * A launch of a process as it is stored, and what stores it: one file each, or where the supervisor's program does not run
 * one directory each. Launches that an earlier release started are directories too.
 */

import type { LogOutput } from '../logs/output.ts';
import type { JobStart } from '../supervisor/start.ts';
import type { Journal, LaunchRecord } from './journal.ts';

export interface Launch {
  readonly name: string;
  /** Null if it did not survive a crash of the machine: then nothing of it runs. */
  readonly record: LaunchRecord | null;
  readonly output: LogOutput;
  /** Its supervisor carries out the orders that are noted, once it is sent SIGUSR1. */
  readonly obeysOrders: boolean;
  /** Null if the launch is gone. */
  journal(): Promise<Journal | null>;
  /** Adds a line for later schedulers, and for the supervisor. */
  note(line: string): Promise<void>;
  /** True if this call, or an earlier one of any scheduler, ensured that it will never start. */
  takeBack(): Promise<boolean>;
  /** True if it was claimed by a process that is gone and never reported the start. */
  isAbandoned(): Promise<boolean>;
  /** Ends all processes that an ended job left. False if some cannot be ended now. */
  endLeftovers(journal: Journal): Promise<boolean>;
  /** Removes it, and the files and groups that its job left. Nothing if another launch has its name by now. */
  discard(): Promise<void>;
}

/** Of a job's resources. Null: no limit. */
export interface Limits {
  readonly cpus: number | null;
  readonly memoryBytes: number | null;
  readonly pids: number | null;
  readonly ioWeight: number | null;
}

export interface Beginning {
  readonly name: string;
  readonly record: LaunchRecord;
  readonly limits: Limits;
  /** Its folder, unless `cwd` is null: then it gets an empty one of its own. */
  readonly start: Omit<JobStart, 'cwd'> & { readonly cwd: string | null };
}

/**
 * `taken`: a launch has the name. `withdrawn`: it may not start any more. Otherwise it started, or its supervisor ended
 * before, with this exit code.
 */
export type Begun =
  | { readonly kind: 'taken' }
  | { readonly kind: 'withdrawn'; readonly launch: Launch }
  | EndedEarly
  | { readonly kind: 'started'; readonly launch: Launch; readonly exited: Promise<number | null> };

/** Its supervisor ended before the job started. `cwd`: where that would have been. */
export interface EndedEarly {
  readonly kind: 'ended';
  readonly launch: Launch;
  readonly code: number | null;
  readonly cwd: string;
}

/** A launch that waits at its gate: its name is taken, and nothing of its job has run. */
export interface HeldLaunch {
  readonly launch: Launch;
  /** Starts it, unless `mayStart`, which is called directly before, says no. With `at`, it then waits for that instant. */
  begin(mayStart: () => boolean, at?: number): Promise<Exclude<Begun, { kind: 'taken' }>>;
  /** Removes it, and it will never start. Not after `begin`. */
  drop(): Promise<void>;
  /** Its supervisor has ended. */
  readonly ended: Promise<unknown>;
}

export interface Launches {
  /** Creates the folders. */
  prepare(): Promise<void>;
  names(): Promise<string[]>;
  open(name: string): Promise<Launch | null>;
  /**
   * Creates and starts a launch; its name survives a crash of the machine before the job starts. `mayStart` is called
   * in between. `at` is as for `HeldLaunch.begin`, and only for launches with `keepsTime`. Fails with an error of the system
   * if nothing runs, or with ENGINE_UNAVAILABLE if that may be unknown.
   */
  begin(beginning: Beginning, mayStart: () => boolean, at?: number): Promise<Begun>;
  /** Creates a launch that `begin` then starts; null if a launch has the name. Fails in the same way. Absent: it cannot wait. */
  readonly hold?: (beginning: Beginning) => Promise<HeldLaunch | null>;
  /** What waits at its gate can start at an instant of this scheduler's wall clock, which comes in a moment. */
  readonly keepsTime?: true;
  /** Nothing is started any more. */
  stop(): Promise<void>;
}
