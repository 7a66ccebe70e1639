/**
 * A lock that is released when its process ends, however it ends: the kernel holds it for an open file
 * (flock). So there are no stale locks, no reused pids, and two containers that share a volume exclude each
 * other. The file stays and only names the holder.
 */

import { spawnSync } from 'node:child_process';
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CarillonError } from '../../errors.ts';

/** BSD and macOS lock while opening; Node.js has no name for this flag. */
const O_EXLOCK = 0x20;

/** Returns a command line that passes only the first `count` file descriptors to the program. */
export type Bare = (count: number, argv: readonly [string, ...string[]]) => readonly [string, ...string[]];

const asIs: Bare = (_count, argv) => argv;

/** Locks the directory and returns the function that unlocks it. STORE_IN_USE names the holder. */
export function lockDirectory(dir: string, bare: Bare = asIs): () => void {
  const path = join(dir, 'lock');
  const fd = process.platform === 'darwin' ? openLocked(dir, path) : lockOpened(dir, path, bare);
  ftruncateSync(fd);
  writeSync(fd, String(process.pid), 0);
  return () => closeSync(fd);
}

function openLocked(dir: string, path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | O_EXLOCK, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') throw inUse(dir, path);
    throw error;
  }
}

/**
 * Node.js has no call for flock, but the program of that name does. It locks the open file that it is passed.
 * The lock belongs to the open file description, which is ours, so it remains when the program has ended.
 */
function lockOpened(dir: string, path: string, bare: Bare): number {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const [program, ...args] = bare(4, ['flock', '-n', '3']);
    const { status, error, stderr } = spawnSync(program, args, {
      stdio: ['ignore', 'ignore', 'pipe', fd],
      encoding: 'utf8',
    });
    if (status === 0) return fd;
    if (status === 1) throw inUse(dir, path);
    throw new CarillonError(
      'STORE_UNAVAILABLE',
      `The data directory ${dir} cannot be locked: ${error?.message ?? stderr.trim()} (requires the ` +
        "program 'flock' of util-linux).",
      { field: 'dataDir', value: dir },
    );
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function inUse(dir: string, path: string): CarillonError {
  const holder = readFileSync(path, 'utf8');
  // Empty for the moment between locking and writing.
  const who = holder === '' ? 'another process' : `process ${holder}`;
  return new CarillonError('STORE_IN_USE', `The data directory ${dir} is in use by ${who}.`, {
    field: 'dataDir',
    value: dir,
    allowed: 'a directory that no other process uses',
  });
}
