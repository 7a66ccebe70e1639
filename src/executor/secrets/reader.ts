/**
 * Reads a file with the permissions of another user, so that the system decides, for the very file that is
 * read, by owner, mode, access lists and every parent folder. The supervisor's program opens it, and a child
 * that runs as the scheduler's user reads it. Without that program the child opens the file itself, with the
 * user's effective permissions only: its real user stays the scheduler's. Either way no process of the other
 * user can stop or trace it.
 */

import { execFile } from 'node:child_process';
import { constants } from 'node:os';
import { promisify } from 'node:util';
import type { Owner } from '../owner.ts';

/** Large enough for keys and certificates, but not for a database given by mistake. */
export const maxSecretBytes = 1024 * 1024;
/** Longer than any local disk takes; a hanging network file system delays one launch by this much. */
const withinMs = 15_000;

export type SecretAnswer =
  | { readonly bytes: Buffer; readonly problem: null }
  | { readonly bytes: null; readonly problem: string };

/** Never fails: the `problem` follows the file's name in the message. */
export async function readAsUser(
  file: string,
  owner: Owner,
  supervisor: string | null,
): Promise<SecretAnswer> {
  const become = supervisor === null ? owner : null;
  const request = JSON.stringify({ file: become && file, become, most: maxSecretBytes });
  const reader = [process.execPath, '-e', program, request] as const;
  const [command, ...args] =
    supervisor === null ? reader : [supervisor, 'read', file, `${owner.uid}:${owner.gid}`, ...reader];
  // Twice the size is enough for base64.
  const options = { timeout: withinMs, killSignal: 'SIGKILL', maxBuffer: 2 * maxSecretBytes } as const;
  try {
    const { stdout } = await promisify(execFile)(command, args, { ...options, env: {}, cwd: '/' });
    const answer = JSON.parse(stdout) as { bytes: string | null; problem: string | null } | number;
    if (typeof answer === 'number') return { bytes: null, problem: `cannot be opened (${nameOf(answer)})` };
    const { bytes, problem } = answer;
    if (bytes !== null) return { bytes: Buffer.from(bytes, 'base64'), problem: null };
    return { bytes: null, problem: problem ?? 'cannot be read' };
  } catch {
    return { bytes: null, problem: 'cannot be read in time, or not by a child process' };
  }
}

const nameOf = (errno: number): string =>
  Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `error ${errno}`;

const program = `
const { constants, fstatSync, openSync, readSync } = require('node:fs');
const { file, become, most } = JSON.parse(process.argv[1]);
if (become) {
  process.setgroups([]);
  process.setegid(become.gid);
  process.seteuid(become.uid);
}
function read() {
  let fd = 0;
  try {
    if (become) fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return { bytes: null, problem: 'cannot be opened (' + error.code + ')' };
  }
  const buffer = Buffer.alloc(most + 1);
  let size = 0;
  try {
    if (!fstatSync(fd).isFile()) return { bytes: null, problem: 'is not a file' };
    for (let count = 1; count > 0 && size < buffer.length; size += count) {
      count = readSync(fd, buffer, size, buffer.length - size, null);
    }
  } catch (error) {
    return { bytes: null, problem: 'cannot be read (' + error.code + ')' };
  }
  if (size > most) return { bytes: null, problem: 'is too long' };
  return { bytes: buffer.toString('base64', 0, size), problem: null };
}
process.stdout.write(JSON.stringify(read()));
`;
