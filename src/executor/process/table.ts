/**
 * Queries about processes. A process number alone proves nothing, because numbers are reused, so every query
 * uses a `ProcessIdentity`. Zombies count as gone: where nothing reaps orphans they would live forever.
 */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type ProcessIdentity, parseStat } from '../supervised/journal.ts';

/** The system's source of information about processes. */
export interface ProcessSource {
  /** The boot of the machine, `-` if unknown. */
  readonly boot: string;
  /** Null if no such process lives. */
  find(pid: number): Promise<{ began: string; group: number } | null>;
  /** True if a process of this group lives. */
  hasGroup(group: number): Promise<boolean>;
}

/** Groups read at once while /proc is searched. */
const searchWidth = 64;

const run = promisify(execFile);

export function processSource(): ProcessSource {
  return process.platform === 'linux' ? procSource() : psSource();
}

/** For Linux. */
export function procSource(): ProcessSource {
  const read = async (pid: string): Promise<ReturnType<typeof parseStat>> => {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1').then(parseStat, () => null);
    return stat && !/[ZXx]/.test(stat.state) ? stat : null;
  };
  return {
    boot: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
    find: (pid) => read(String(pid)),
    async hasGroup(group) {
      const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
      for (let from = 0; from < pids.length; from += searchWidth) {
        const found = await Promise.all(pids.slice(from, from + searchWidth).map(read));
        if (found.some((stat) => stat?.group === group)) return true;
      }
      return false;
    },
  };
}

/** For other systems: `ps` as in POSIX, plus `lstart`, which BSD and macOS also have. */
export function psSource(): ProcessSource {
  const env = { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' };
  return {
    boot: '-',
    async find(pid) {
      const answer = await run('ps', ['-o', 'stat=,pgid=,lstart=', '-p', String(pid)], { env }).catch(
        () => null,
      );
      const [, state, group, began] = /^\s*(\S+)\s+(\d+)\s+(.+)$/.exec(answer?.stdout.trim() ?? '') ?? [];
      if (!state || !began || state.startsWith('Z')) return null;
      return { began: began.replace(/\s+/g, ' '), group: Number(group) };
    },
    async hasGroup(group) {
      const { stdout } = await run('ps', ['-A', '-o', 'pgid=,stat='], { env, maxBuffer: 16 * 1024 * 1024 });
      return stdout.split('\n').some((line) => {
        const [id, state] = line.trim().split(/\s+/);
        return Number(id) === group && !state?.startsWith('Z');
      });
    },
  };
}

export async function isAlive(source: ProcessSource, identity: ProcessIdentity): Promise<boolean> {
  if (identity.boot !== source.boot || !canSignal(identity.pid)) return false;
  return (await source.find(identity.pid))?.began === identity.began;
}

/**
 * True while the process or anything it left in its group lives. A number is not reused while a group of that
 * number exists, so only a leader with another start time makes it a different group.
 */
export async function isGroupAlive(source: ProcessSource, leader: ProcessIdentity): Promise<boolean> {
  if (leader.boot !== source.boot || !canSignal(-leader.pid)) return false;
  const found = await source.find(leader.pid);
  return found ? found.began === leader.began : await source.hasGroup(leader.pid);
}

/** Signals the group if it is still the same; false if nothing of it is left. */
export async function signalGroup(
  source: ProcessSource,
  leader: ProcessIdentity,
  signal: 'SIGTERM' | 'SIGKILL',
): Promise<boolean> {
  return (await isGroupAlive(source, leader)) && send(-leader.pid, signal);
}

/** Signals the process if it is still the same; false if it is gone. */
export async function signalProcess(
  source: ProcessSource,
  identity: ProcessIdentity,
  signal: 'SIGTERM' | 'SIGKILL' | 'SIGCONT' | 'SIGUSR1',
): Promise<boolean> {
  return (await isAlive(source, identity)) && send(identity.pid, signal);
}

function send(to: number, signal: 'SIGTERM' | 'SIGKILL' | 'SIGCONT' | 'SIGUSR1'): boolean {
  try {
    process.kill(to, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

function canSignal(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, under another user.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
