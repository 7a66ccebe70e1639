/** The supervisor's program, for the machines that schedulers and hosts run on. */

import { arm64 } from './program-arm64.ts';
import { x64 } from './program-x64.ts';

/** By Node.js' name of an architecture, on Linux; otherwise a shell is used. */
export const supervisorPrograms: Readonly<Record<string, string>> = { x64, arm64 };

/** Exit codes of the program if it started nothing; its head lists all. */
export const supervisorEnd = {
  /** It was called without arguments. */
  usage: 64,
  /** It cannot write its journal. */
  noJournal: 74,
  /** Another process has claimed the launch, or it was revoked. */
  claimLost: 75,
  /** The system does not let it run as the user. */
  noUser: 76,
  /** The user cannot enter the job's folder. */
  noFolder: 77,
  /** The system does not give the job its limits. */
  noLimits: 78,
  /** The job's limit of memory is too little for its start. */
  noMemory: 79,
} as const;
