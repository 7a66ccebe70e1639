/** Exit codes: a contract with scripts, listed only here. */
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
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
