/**
 * A control group (cgroup v2) for each launch: processes cannot leave it without permission, so all processes
 * of a launch can be found and ended, whatever they do with sessions and groups. No controller is needed;
 * hybrid systems have such a hierarchy beside the others. The groups are below the scheduler's own, where
 * systemd delegates (`Delegate=yes`) and root may create some anyway.
 */

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock, Log } from '../../scheduler/ports.ts';
import { sleep } from '../../scheduler/waiting.ts';
import { cgroupFolder } from '../cgroup-folder.ts';
import { isMissing } from '../logs/stream-file.ts';

/** Time for processes to disappear after KILL; those in an uninterruptible system call take longer. */
const goneWithinMs = 2_000;
const gonePollMs = 10;

/** The name of the folder for the launches of `dir`, in each hierarchy. */
export function cgroupName(dir: string): string {
  return `carillon-${createHash('sha256').update(dir).digest('hex').slice(0, 12)}`;
}

/**
 * The folder for the launches of `dir`, created if necessary. Null if the system has none that we may use.
 * Removes empty groups.
 */
export async function openCgroups(dir: string, log: Log): Promise<string | null> {
  try {
    const own = cgroupFolder(
      await readFile('/proc/self/mountinfo', 'utf8'),
      await readFile('/proc/self/cgroup', 'utf8'),
    );
    if (own === null) return null;
    const folder = join(delegated(own), cgroupName(dir));
    await mkdir(folder, { recursive: true, mode: 0o755 });
    // Since Linux 5.14.
    await access(join(folder, 'cgroup.kill'), constants.W_OK);
    await removeCgroups(folder, { itself: false });
    return folder;
  } catch (error) {
    log.info({ error: String(error) }, 'process.no-cgroups');
    return null;
  }
}

/** The group of the systemd unit, which `own` is below with `DelegateSubgroup`; without a unit `own`. */
export function delegated(own: string): string {
  for (let above = own; above !== dirname(above); above = dirname(above))
    if (/\.(?:service|scope)$/.test(above)) return above;
  return own;
}

/** True while a process is in the group or below it. */
export async function isCgroupPopulated(path: string): Promise<boolean> {
  const events = await readFile(join(path, 'cgroup.events'), 'utf8').catch(emptyIfGone);
  return /^populated 1$/m.test(events);
}

/** All processes in the group and below it. */
export async function cgroupMembers(path: string): Promise<number[]> {
  const text = await readFile(join(path, 'cgroup.procs'), 'utf8').catch(emptyIfGone);
  const own = text.split('\n').filter(Boolean).map(Number);
  const inner = await Promise.all((await foldersIn(path)).map((name) => cgroupMembers(join(path, name))));
  // Zero is a process of another namespace.
  return [...own, ...inner.flat()].filter((pid) => pid > 0);
}

/** Kills all processes at once; none can start another meanwhile. */
export async function killCgroup(path: string): Promise<void> {
  await writeFile(join(path, 'cgroup.kill'), '1', { flag: 'r+' }).catch((error) => void emptyIfGone(error));
}

/** Ends all processes in the group and removes it. False if some cannot be ended now. */
export async function endCgroup(path: string, clock: Clock): Promise<boolean> {
  const deadline = clock.monotonicMs() + goneWithinMs;
  while (!(await removeCgroup(path))) {
    if (clock.monotonicMs() > deadline) return false;
    await killCgroup(path);
    await sleep(clock, gonePollMs);
  }
  return true;
}

/**
 * True if it is removed, including groups that a job created in it; the system keeps those with a process.
 */
export async function removeCgroup(path: string): Promise<boolean> {
  const remove = (): Promise<boolean> => rmdir(path).then(() => true, isGone);
  // Usually it is empty.
  if (await remove()) return true;
  for (const name of await foldersIn(path)) await removeCgroup(join(path, name));
  return remove();
}

/** Removes the empty groups in a folder, and the folder itself if it is empty then. */
export async function removeCgroups(folder: string, { itself = true } = {}): Promise<void> {
  for (const name of await foldersIn(folder)) await removeCgroup(join(folder, name));
  if (itself) await removeCgroup(folder);
}

async function foldersIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error) => {
    if (isGone(error)) return [];
    throw error;
  });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** Reading a file of a group that is removed while open fails with ENODEV. */
function isGone(error: unknown): boolean {
  return isMissing(error) || (error as NodeJS.ErrnoException).code === 'ENODEV';
}

function emptyIfGone(error: unknown): string {
  if (isGone(error)) return '';
  throw error;
}
