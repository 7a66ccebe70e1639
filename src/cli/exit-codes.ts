/** How commands end: a contract with scripts, listed once, here. */
export const exitCodes = {
  ok: 0,
  /** What was asked for failed: a run, a refused job, something that is not there. */
  failed: 1,
  /** The command line, a file or a field can't be right. */
  usage: 2,
  /** The server can't be reached, or can't serve now. */
  unreachable: 3,
  /** `--timeout` was over before the run ended. */
  stillRunning: 4,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
