/**
 * Starts jobs, each under a supervisor that outlives the scheduler: it claims the launch, writes the journal, runs the
 * job and records its exit code. It leads its own session and process group, and everything it needs is an open file or
 * part of the request, so it does not depend on the scheduler. It is the program supervisor.c (server.ts), or a shell
 * where that does not run (shell.ts).
 */

export interface SupervisorRequest {
  readonly claimPath: string;
  /** The first contains a slash. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  /** The folder to create for the launch's cgroup. Null: none. The shell ignores it. */
  readonly cgroup: string | null;
  /** Standard input. Null: there is none. */
  readonly input: string | null;
  /** Paths of existing files, which are appended to. */
  readonly files: { readonly stdout: string; readonly stderr: string; readonly journal: string };
}

export interface Supervisor {
  /**
   * True once the job starts; false if the supervisor ended before. Fails if it could not be started; with
   * ENGINE_UNAVAILABLE if it is unknown whether it was.
   */
  readonly started: Promise<boolean>;
  /** When the supervisor has ended: its exit code, or null after a signal or if it is unknown. */
  readonly exited: Promise<number | null>;
}

export interface Supervisors {
  start(request: SupervisorRequest): Supervisor;
  /** Supervisors continue; none is started any more. */
  stop(): Promise<void>;
}
