/**
 * Starts a job under a supervisor that outlives the scheduler: it claims the launch, writes the journal, runs
 * the job and records its exit code. It leads its own session and process group, and everything it needs is
 * an open file or an argument, so it does not depend on the scheduler. It is the program supervisor.c, or a
 * shell where that does not run.
 */

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { supervisorScript } from './shell.ts';

export interface SupervisorRequest {
  /** The supervisor's program. Null: the shell. */
  readonly supervisor: string | null;
  readonly claimPath: string;
  /** The first contains a slash. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  /** The folder to create for the launch's cgroup. Null: none. The shell ignores it. */
  readonly cgroup: string | null;
  /** Open descriptors. `stdin` is read from its start; null: there is no input. The others are appended to. */
  readonly files: {
    readonly stdin: number | null;
    readonly stdout: number;
    readonly stderr: number;
    readonly journal: number;
  };
}

export interface Supervisor {
  /** True once the job starts; false if the supervisor ended before. Fails if it could not be started. */
  readonly started: Promise<boolean>;
  /** When the supervisor has ended: its exit code, or null after a signal. */
  readonly exited: Promise<number | null>;
}

export function startSupervisor(request: SupervisorRequest): Supervisor {
  let child: ChildProcess;
  try {
    child = request.supervisor === null ? spawnShell(request) : spawnProgram(request.supervisor, request);
  } catch (error) {
    // Node.js throws some failures and emits others.
    return { started: Promise.reject(error), exited: Promise.resolve(null) };
  }
  child.unref();
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
    child.once('error', () => resolve(null));
  });
  const started = new Promise<boolean>((resolve, reject) => {
    child.once('error', reject);
    const pipe = child.stdio[4] as Socket | null | undefined;
    pipe?.once('data', () => {
      resolve(true);
      pipe.destroy();
    });
    pipe?.once('error', () => resolve(false));
    pipe?.once('close', () => resolve(false));
  });
  return { started, exited };
}

/**
 * The program switches to the job's user only in the job, so the job cannot affect the process that records
 * its exit.
 */
function spawnProgram(supervisor: string, request: SupervisorRequest): ChildProcess {
  const { claimPath, cwd, owner, cgroup, argv, files } = request;
  const user = owner === null ? '-' : `${owner.uid}:${owner.gid}`;
  return spawn(supervisor, ['run', claimPath, cwd, user, cgroup ?? '-', ...argv], {
    ...common(request),
    cwd: '/',
    stdio: [files.stdin ?? 'ignore', files.stdout, files.stderr, files.journal, 'pipe'],
  });
}

function spawnShell(request: SupervisorRequest): ChildProcess {
  const { stdin, stdout, stderr, journal } = request.files;
  return spawn('/bin/sh', ['-c', supervisorScript, 'carillon', request.claimPath, ...request.argv], {
    ...common(request),
    cwd: request.cwd,
    stdio: [stdin ?? 'ignore', stdout, 'ignore', journal, 'pipe', stderr],
    ...(request.owner ?? {}),
  });
}

const common = ({ env }: SupervisorRequest): SpawnOptions => ({ env: { ...env }, detached: true });
