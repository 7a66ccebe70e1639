/**
 * A lock that dies with its process, however that dies: the kernel holds it for an open file (flock), so there
 * is no stale lock to recognise and take over, no pid to mistake for another, and two containers that share
 * a volume keep each other out. The file stays; it only says who holds it.
 */

import { spawnSync } from 'node:child_process';
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CarillonError } from '../../errors.ts';

/** BSD and macOS lock while opening; Node has no name for this flag. */
const O_EXLOCK = 0x20;

/** The command line by which a program gets the first `count` descriptors of those that it is given, and no other. */
export type Bare = (count: number, argv: readonly [string, ...string[]]) => readonly [string, ...string[]];

const asIs: Bare = (_count, argv) => argv;

/** Takes the lock of the directory and answers its release. STORE_IN_USE names who has it. */
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
 * Node has no call for flock, the program of that name has. It locks the file it is handed open, and as the
 * lock belongs to that opening, which is ours, it stays when the program has ended.
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
      `the data directory ${dir} can not be locked: ${error?.message ?? stderr.trim()} (the program 'flock' of util-linux is needed)`,
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
  return new CarillonError('STORE_IN_USE', `the data directory ${dir} is in use by ${who}`, {
    field: 'dataDir',
    value: dir,
    allowed: 'a directory that no other process uses',
  });
}
