/**
 * The parts of a job's start. Its supervisor outlives the scheduler: it runs the job and records its exit code. It leads
 * its own session and process group, and everything it needs is an open file or part of the request, so it does not depend
 * on the scheduler. It is the program supervisor.c (server.ts), or a shell where that does not run (shell.ts).
 */

/** A limit of the system, by its number (`RLIMIT_*`). Null: none. */
export interface SystemLimit {
  readonly number: number;
  readonly soft: number | null;
  readonly hard: number | null;
}

export interface JobStart {
  /** The first contains a slash. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  /** Standard input. Null: none. */
  readonly input: string | null;
  /** Texts that its output must not show, longest first (secrets/mask.ts). A shell supports none of what follows. */
  readonly masks: readonly Buffer[];
  /** Limits of the system for each process. */
  readonly systemLimits: readonly SystemLimit[];
  /** The supervisor ends what still runs after this time, with this grace: no scheduler did. Null: never. */
  readonly overtime: { readonly afterMs: number; readonly graceMs: number } | null;
}

export interface Supervisor {
  /** True once the job starts; false if the supervisor ended before. Fails if it could not be started. */
  readonly started: Promise<boolean>;
  /** When the supervisor has ended: its exit code, or null after a signal or if it is unknown. */
  readonly exited: Promise<number | null>;
}
