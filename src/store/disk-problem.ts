/** Why a file or a directory cannot be used, in plain words with the system's own behind them. */

import { getSystemErrorName } from 'node:util';

const words: Readonly<Record<string, string>> = {
  EACCES: 'this user may not use it',
  EPERM: 'the system does not permit it',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota of this user is used up',
  EIO: 'the disk reports a fault',
  ENOTDIR: 'a part of the path is not a directory',
  EEXIST: 'there is a file of this name',
  ENOENT: 'a part of the path does not exist and cannot be made',
};

export function diskProblem(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: string };
  // LMDB gives the number.
  const name = typeof code === 'number' && code > 0 ? getSystemErrorName(-code) : String(code);
  const known = words[name];
  return known === undefined ? (message ?? String(error)) : `${known} (${message})`;
}
