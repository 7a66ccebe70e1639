/**
 * The supervisor as a shell script, for systems that the program supervisor.c is not built for. What it cannot:
 * its job is in its own session and group, so that a real-time signal to the group ends it; what the scheduler
 * holds open without closing it on exec reaches the job; there is no cgroup.
 */

import { spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import { constants, open } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { openInput } from './input.ts';
import type { JobStart, Supervisor } from './start.ts';

/**
 * $1 is the claim, the rest is the job. The claim is a link, so of all who ever try to start this launch one succeeds,
 * and holds only under its own name: a launch that was taken back is moved away, then emptied. `start` is in the journal
 * before the job exists. Node raises the number of files that a process may have open; the job has the usual one.
 *
 * Descriptors: 1 the job's stdout, 2 nowhere (else the shell's own "Terminated" would be in the job's
 * output), 3 the journal, 4 a pipe to the scheduler that says the job begins, 5 the job's stderr. None but
 * 1 and 2 reach the job. Signals are trapped, not ignored, so that the job has the default for each. The
 * shell redirects in a subshell, which becomes the job: done by itself, its own "Terminated" would follow. It
 * runs one command in the foreground: a trapped signal does not end that wait. The job's path holds a
 * slash, so that no builtin takes its place. Names begin with `carillon_` to leave the job's variables alone.
 */
export const supervisorScript = `trap : ABRT ALRM HUP INT PIPE QUIT TERM TRAP USR1 USR2 VTALRM XCPU XFSZ
command -p ln -sn $$ "$1" && test -L "$1" || exit 75
shift
if ! { read -r carillon_boot < /proc/sys/kernel/random/boot_id && read -r carillon_began < "/proc/$$/stat"; }; then
  carillon_boot=-
  carillon_began=$(LC_ALL=C TZ=UTC /bin/ps -o lstart= -p "$$") || exit 74
fi
echo "start $$ $carillon_boot $carillon_began" >&3 || exit 74
echo started >&4
exec 4>&-
(ulimit -S -n 1024; exec "$@" 2>&5 3>&- 5>&-)
echo "exit $?" >&3
`;

const appendExisting = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;

/** Files of a launch's directory, all existing. */
export interface ShellFiles {
  readonly claim: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly journal: string;
}

/** Fails if there is no shell process. `dir`: a folder where only the scheduler's user can write. */
export async function startShell(dir: string, files: ShellFiles, start: JobStart): Promise<Supervisor> {
  const { argv, env, cwd, owner, input } = start;
  const opened: FileHandle[] = [];
  const openAt = async (path: string): Promise<number> => {
    const file = await open(path, appendExisting);
    opened.push(file);
    return file.fd;
  };
  try {
    const [stdout, stderr, journal] = await Promise.all(
      [files.stdout, files.stderr, files.journal].map(openAt),
    );
    const stdin = input === null ? null : await openInput(dir, input);
    if (stdin) opened.push(stdin);
    const child = spawn('/bin/sh', ['-c', supervisorScript, 'carillon', files.claim, ...argv], {
      env: { ...env },
      detached: true,
      cwd,
      stdio: [stdin?.fd ?? 'ignore', stdout, 'ignore', journal, 'pipe', stderr],
      ...(owner ?? {}),
    });
    child.unref();
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    const pipe = child.stdio[4] as Socket;
    return {
      exited: new Promise((resolve) => child.once('exit', resolve)),
      started: new Promise((resolve) => {
        pipe.once('data', () => {
          resolve(true);
          pipe.destroy();
        });
        pipe.once('error', () => resolve(false));
        pipe.once('close', () => resolve(false));
      }),
    };
  } finally {
    await Promise.all(opened.map((file) => file.close()));
  }
}
