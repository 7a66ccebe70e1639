/**
 * Starts a job under a small POSIX shell that outlives the scheduler: it claims the launch, writes the
 * journal, runs the job and notes its exit code. It leads a session and process group of its own, and
 * everything it needs is an open file or an argument, so it depends on nothing that the scheduler still does.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * $1 is the claim, the rest is the job. The claim is made with O_EXCL (`set -C`), so of all who ever try to
 * start this launch one succeeds; `start` is in the journal before the job exists.
 *
 * Descriptors: 1 the job's stdout, 2 nowhere (else the shell's own "Terminated" would be in the job's
 * output), 3 the journal, 4 a pipe to the scheduler that says the job begins, 5 the job's stderr. None but
 * 1 and 2 reach the job. Signals are trapped, not ignored, so that the job has the default for each. The
 * shell redirects in a subshell, which becomes the job: done by itself, its own "Terminated" would follow. It
 * runs one command in the foreground: a trapped signal does not end that wait. The job's path holds a
 * slash, so that no builtin takes its place. Names begin with `carillon_` to leave the job's variables alone.
 */
const script = `trap : TERM INT HUP PIPE
set -C
echo $$ > "$1" || exit 75
set +C
shift
if ! { read -r carillon_boot < /proc/sys/kernel/random/boot_id && read -r carillon_began < "/proc/$$/stat"; }; then
  carillon_boot=-
  carillon_began=$(LC_ALL=C TZ=UTC /bin/ps -o lstart= -p "$$") || exit 74
fi
echo "start $$ $carillon_boot $carillon_began" >&3 || exit 74
echo started >&4
exec 4>&-
(exec "$@" 2>&5 3>&- 5>&-)
echo "exit $?" >&3
`;

/** Somebody else had claimed the launch, or it was taken back: the supervisor started nothing. */
export const claimLost = 75;

export interface SupervisorRequest {
  readonly claimPath: string;
  /** The first has a slash. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  /** Open descriptors, all of them appending. */
  readonly files: { readonly stdout: number; readonly stderr: number; readonly journal: number };
}

export interface Supervisor {
  /** True once the job begins; false when the supervisor ended without. Fails when it could not be started. */
  readonly started: Promise<boolean>;
  /** When the supervisor has ended: its code, or null after a signal. */
  readonly exited: Promise<number | null>;
}

export function startSupervisor(request: SupervisorRequest): Supervisor {
  const { stdout, stderr, journal } = request.files;
  let child: ChildProcess;
  try {
    child = spawn('/bin/sh', ['-c', script, 'carillon', request.claimPath, ...request.argv], {
      cwd: request.cwd,
      env: { ...request.env },
      detached: true,
      stdio: ['ignore', stdout, 'ignore', journal, 'pipe', stderr],
      ...(request.owner ?? {}),
    });
  } catch (error) {
    // Node throws some failures and emits others.
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
