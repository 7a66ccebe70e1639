/**
 * Reads a file with the rights of another user, in a child that gives up all others first. So the system decides, on
 * the very file that is read, by owner, mode, access lists and every folder on the way. A process that changed its
 * user can't be traced by that user, and it has none of the scheduler's open files.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Owner } from './launch-directory.ts';
import { onlyDescriptors } from './supervisor-file.ts';

/** Keys and certificates fit; a mistaken path to a database does not. */
export const maxSecretBytes = 1024 * 1024;
/** Longer than any local disk; a network file system that hangs holds up one launch for this long. */
const withinMs = 15_000;

export type SecretAnswer =
  | { readonly bytes: Buffer; readonly problem: null }
  | { readonly bytes: null; readonly problem: string };

/** Never fails: what stands in the way is the `problem`, to follow the file's name. */
export async function readAsUser(
  file: string,
  owner: Owner,
  supervisor: string | null,
): Promise<SecretAnswer> {
  const request = JSON.stringify({ file, ...owner, most: maxSecretBytes });
  const [command, ...args] = onlyDescriptors(supervisor, 3, [process.execPath, '-e', program, request]);
  // Twice as much holds it in base64.
  const options = { timeout: withinMs, killSignal: 'SIGKILL', maxBuffer: 2 * maxSecretBytes } as const;
  try {
    const { stdout } = await promisify(execFile)(command, args, { ...options, env: {}, cwd: '/' });
    const { bytes, problem } = JSON.parse(stdout) as { bytes: string | null; problem: string | null };
    if (bytes !== null) return { bytes: Buffer.from(bytes, 'base64'), problem: null };
    return { bytes: null, problem: problem ?? 'can not be read' };
  } catch {
    return { bytes: null, problem: 'can not be read in time, or not by a child process' };
  }
}

const program = `
const { constants, fstatSync, openSync, readSync } = require('node:fs');
const { file, uid, gid, most } = JSON.parse(process.argv[1]);
process.setgroups([]);
process.setgid(gid);
process.setuid(uid);
function read() {
  let fd;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return { bytes: null, problem: 'can not be opened (' + error.code + ')' };
  }
  if (!fstatSync(fd).isFile()) return { bytes: null, problem: 'is not a file' };
  const buffer = Buffer.alloc(most + 1);
  let size = 0;
  for (let count = 1; count > 0 && size < buffer.length; size += count) {
    count = readSync(fd, buffer, size, buffer.length - size, null);
  }
  if (size > most) return { bytes: null, problem: 'is too long' };
  return { bytes: buffer.toString('base64', 0, size), problem: null };
}
process.stdout.write(JSON.stringify(read()));
`;
