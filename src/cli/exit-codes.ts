/** Exit codes: a contract with scripts, listed only here. */

import type { WireRun } from '../api/wire/schema.ts';

export const exitCodes = {
  ok: 0,
  /** The operation failed: a failed run, a rejected job, a missing item. */
  failed: 1,
  /** Invalid command line, file or field. */
  usage: 2,
  /** The server is unreachable or cannot serve at the moment. */
  unreachable: 3,
  /** `--timeout` passed before the run ended. */
  stillRunning: 4,
  /** The run was skipped or missed: nothing ran. */
  notRun: 5,
  /** Somebody killed the run. */
  killed: 6,
  timedOut: 7,
  /** What became of the run is not known. */
  lost: 8,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The code for a run that ended, or did not end in time. */
export function exitCodeOfRun(state: WireRun['state']): ExitCode {
  return Object.hasOwn(ofRuns, state) ? ofRuns[state as keyof typeof ofRuns] : exitCodes.stillRunning;
}

const ofRuns = {
  succeeded: exitCodes.ok,
  failed: exitCodes.failed,
  skipped: exitCodes.notRun,
  missed: exitCodes.notRun,
  killed: exitCodes.killed,
  'timed-out': exitCodes.timedOut,
  lost: exitCodes.lost,
} as const;
