/** Finds the program of a job before its start, and explains why a file cannot be executed. */

import { access, constants, type FileHandle, open, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import type { CarillonError } from '../../errors.ts';
import type { Owner } from '../owner.ts';
import { refused } from '../supervised/refusal.ts';

/** Linux reads no more of a first line. */
const firstLineBytes = 256;

export interface ProgramSearch {
  readonly program: string;
  readonly path: string;
  readonly workdir: string | null;
  /** Who executes it. Null: the scheduler's own user. */
  readonly owner: Owner | null;
}

/**
 * The program as a path with a slash, as a shell in the job's directory would find it. LAUNCH_REFUSED says
 * whether it is missing, or why it cannot be executed.
 */
export async function findProgram({ program, path, workdir, owner }: ProgramSearch): Promise<string> {
  const given = program.includes('/');
  const candidates = given
    ? [resolve(workdir ?? '/', program)]
    : path
        .split(delimiter)
        .filter(isAbsolute)
        .map((directory) => join(directory, program));
  let problem: string | null = null;
  for (const candidate of candidates) {
    const found = await obstacle(candidate, owner);
    if (found === null) return candidate;
    // Of several, the first one in PATH.
    if (found !== missing) problem ??= `${candidate} ${found}`;
  }
  if (problem !== null) throw refusedProgram(program, `The program cannot be executed: ${problem}`);
  const where = given ? candidates[0] : `PATH ${path}`;
  throw refusedProgram(program, `There is no program ${program} to execute (${where})`);
}

function refusedProgram(program: string, message: string): CarillonError {
  return refused('run.argv.0', program, message, 'an executable file on the scheduler’s host');
}

const missing = 'does not exist';

/** Why a file cannot be executed. Null if no problem is known. */
async function obstacle(file: string, owner: Owner | null): Promise<string | null> {
  let found: Awaited<ReturnType<typeof stat>>;
  try {
    found = await stat(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? missing : `cannot be reached (${code})`;
  }
  if (found.isDirectory()) return 'is a directory';
  if (!found.isFile()) return 'is not a regular file';
  const mode = `mode ${(found.mode & 0o7777).toString(8).padStart(4, '0')}`;
  if ((found.mode & 0o111) === 0) return `is not executable (${mode})`;
  const allowed = await access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!allowed) {
    return process.getuid?.() === 0
      ? 'lies on a file system that is mounted noexec'
      : `may not be executed by the scheduler’s user (${mode}, or its file system is mounted noexec)`;
  }
  if (owner !== null && hasNoAccessList(found) && !mayExecute(found, owner)) {
    return `may not be executed by the user ${owner.uid}:${owner.gid} (${mode})`;
  }
  return interpreterObstacle(file);
}

/** An access list shows its mask as the group's bits; its entries are left to the system at the start. */
const hasNoAccessList = ({ mode }: { readonly mode: number }): boolean => (mode & 0o010) === 0;

function mayExecute(file: { mode: number; uid: number; gid: number }, { uid, gid }: Owner): boolean {
  if (uid === 0) return true;
  const shift = file.uid === uid ? 6 : file.gid === gid ? 3 : 0;
  return ((file.mode >> shift) & 1) === 1;
}

/**
 * For a script: checks the program of its first line. The system would only report that the script itself is
 * missing.
 */
async function interpreterObstacle(file: string): Promise<string | null> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => null);
  // An executable but unreadable file is left to the system.
  if (handle === null) return null;
  try {
    const interpreter = await interpreterOf(handle);
    if (interpreter === null || !isAbsolute(interpreter)) return null;
    const problem = await stat(interpreter).then(
      (found) => (found.isFile() && (found.mode & 0o111) !== 0 ? null : 'is not executable'),
      () => missing,
    );
    return (
      problem && `names the interpreter ${JSON.stringify(interpreter)} in its first line, which ${problem}`
    );
  } finally {
    await handle.close();
  }
}

async function interpreterOf(handle: FileHandle): Promise<string | null> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(firstLineBytes), 0, firstLineBytes, 0);
  const [line = ''] = buffer.toString('latin1', 0, bytesRead).split('\n', 1);
  // A carriage return is part of the name, as for the system, and then it is the problem.
  return /^#![ \t]*([^ \t]+)/.exec(line)?.[1] ?? null;
}
