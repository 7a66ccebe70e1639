/**
 * A lock that dies with its process: a file that names its holder. A holder that is gone, or whose pid now
 * belongs to another process, holds nothing.
 */

import { execFileSync } from 'node:child_process';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CarillonError } from '../errors.ts';

interface Holder {
  readonly pid: number;
  /** Tells a process from a later one with the same pid. */
  readonly started: string;
}

/** Stale locks are taken over at most this often in a row; a lock that comes back each time is not stale. */
const MAX_TRIES = 5;
/** Held by this process: the file alone would not tell two stores of one process apart. */
const heldHere = new Set<string>();

/** Takes the lock of the directory and answers its release. STORE_IN_USE names who has it. */
export function lockDirectory(dir: string): () => void {
  const path = join(dir, 'lock');
  if (heldHere.has(path)) throw inUse(dir, process.pid);
  const own = `${path}.${process.pid}`;
  writeFileSync(own, JSON.stringify({ pid: process.pid, started: startOf(process.pid) } satisfies Holder));
  try {
    for (let tries = 0; ; tries++) {
      try {
        // A link appears whole or not at all, and only where there is none.
        linkSync(own, path);
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        const holder = readHolder(path);
        if (holder !== null && (isAlive(holder) || tries >= MAX_TRIES)) throw inUse(dir, holder.pid);
        rmSync(path, { force: true });
      }
    }
  } finally {
    rmSync(own, { force: true });
  }
  heldHere.add(path);
  return () => {
    if (heldHere.delete(path)) rmSync(path, { force: true });
  };
}

function inUse(dir: string, pid: number): CarillonError {
  return new CarillonError('STORE_IN_USE', `the data directory ${dir} is in use by process ${pid}`, {
    field: 'dataDir',
    value: dir,
    allowed: 'a directory that no other process uses',
  });
}

function readHolder(path: string): Holder | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return null;
  }
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return pid !== process.pid && startOf(pid) === started;
}

/** When the process began, in the platform's words; empty when that can't be learned. */
function startOf(pid: number): string {
  try {
    // Field 22, counted behind the name, which may hold anything but ends with the last parenthesis.
    return (
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[19] ?? ''
    );
  } catch {
    try {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    } catch {
      return '';
    }
  }
}
