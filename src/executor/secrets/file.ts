/**
 * Secrets as files: read at launch, limited in size, and never in a message. A process of another user gets
 * what that user may read, or what is in a folder that the operator opened to all jobs (`--secret-dir`).
 * Everything else is read with the scheduler's own permissions.
 */

import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { CarillonError } from '../../errors.ts';
import type { Owner } from '../owner.ts';
import { maxSecretBytes, readAsUser } from './reader.ts';
import { secretRefused } from './refusal.ts';

/** Never waits for the other end of a pipe. */
const readOnly = constants.O_RDONLY | constants.O_NONBLOCK;

/** Whose permissions decide what a process may use as its secret. */
export interface SecretAccess {
  /** Null: the scheduler's own user. */
  readonly owner: Owner | null;
  /** Folders whose files are for all jobs. */
  readonly folders: readonly string[];
  /** The supervisor's program. Null: there is none. */
  readonly supervisor: string | null;
}

const ownAccess: SecretAccess = { owner: null, folders: [], supervisor: null };

/** The unchanged content. LAUNCH_REFUSED with `field` if it cannot be read. */
export async function readSecretFile(
  field: string,
  file: string,
  access: SecretAccess = ownAccess,
): Promise<Buffer> {
  const { owner, folders, supervisor } = access;
  if (owner === null) return readOwn(field, file);
  const handle = await openBelow(folders, file);
  if (handle !== null) return readAll(handle, field, file);
  const answer = await readAsUser(file, owner, supervisor);
  if (answer.bytes !== null) return answer.bytes;
  const user = `as the user ${owner.uid}:${owner.gid} of the job`;
  throw refused(field, file, `${answer.problem}, ${user}; --secret-dir opens a folder to all jobs`);
}

async function readOwn(field: string, file: string): Promise<Buffer> {
  const handle = await open(file, readOnly).catch((error: NodeJS.ErrnoException) => {
    throw refused(field, file, `cannot be opened (${error.code ?? 'unknown error'})`);
  });
  return readAll(handle, field, file);
}

/** Null if it is outside. Decided by the location of the open file, whatever its path leads to meanwhile. */
async function openBelow(folders: readonly string[], file: string): Promise<FileHandle | null> {
  const real = async (path: string) => realpath(path).catch(() => null);
  const tops = await Promise.all(folders.map(real));
  const isBelow = (path: string | null): boolean =>
    path !== null && tops.some((top) => top !== null && path.startsWith(top === sep ? sep : `${top}${sep}`));
  const meant = await real(file);
  if (meant === null || !isBelow(meant)) return null;
  const handle = await open(meant, readOnly | constants.O_NOFOLLOW).catch(() => null);
  if (handle === null) return null;
  const place = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => real(meant));
  if (isBelow(place)) return handle;
  await handle.close();
  return null;
}

/**
 * Also closes it. A file that cannot be read is refused, as one that cannot be opened: the run's retries are there for
 * a network file system that fails for a moment, while other files (`/proc/self/mem`) fail for ever.
 */
async function readAll(handle: FileHandle, field: string, file: string): Promise<Buffer> {
  try {
    if (!(await handle.stat()).isFile()) throw refused(field, file, 'is not a file');
    const buffer = Buffer.alloc(maxSecretBytes + 1);
    let size = 0;
    for (let count = 1; count > 0 && size < buffer.length; size += count) {
      count = (await handle.read(buffer, size, buffer.length - size, null)).bytesRead;
    }
    if (size > maxSecretBytes) throw refused(field, file, 'is too long');
    return buffer.subarray(0, size);
  } catch (error) {
    if (error instanceof CarillonError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw refused(field, file, `cannot be read (${code ?? 'unknown error'})`);
  } finally {
    await handle.close();
  }
}

const refused = (field: string, file: string, problem: string): CarillonError =>
  secretRefused(field, `${file} ${problem}`, {
    value: file,
    allowed: `a readable file of at most ${maxSecretBytes} bytes`,
  });
