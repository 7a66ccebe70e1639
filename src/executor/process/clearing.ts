/**
 * Removes the directory of an ended launch without trusting it: a process left by the job may still write
 * there, and may replace a folder by a link at any time. So folders that a job could write to are emptied
 * with that job's permissions only, and what these do not suffice for stays.
 */

import { execFile } from 'node:child_process';
import { lstat, readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Log } from '../../scheduler/ports.ts';
import { isMissing } from '../logs/stream-file.ts';

const run = promisify(execFile);
/** A process left behind can fill a folder as fast as it is emptied; the rest is left for the next start. */
const bounded = { timeout: 60_000, killSignal: 'SIGKILL' } as const;
/** Runs with the folder as its working directory; -xdev: not across mounts. */
const shellClear = 'chmod -R u+rwx .; exec find . -xdev -mindepth 1 -delete';

/** False if something stays. `supervisor`: its program, or null. */
export async function clearLaunch(path: string, supervisor: string | null): Promise<boolean> {
  for (const name of ['work', 'claim']) {
    if (!(await clearFolder(join(path, name), supervisor))) return false;
  }
  // Jobs cannot write to these, because the folders belong to the scheduler.
  await rm(join(path, 'log'), { recursive: true, force: true });
  for (const name of ['journal', 'launch.json']) await rm(join(path, name), { force: true });
  return removeFolder(path);
}

/** The job's folder; the log says if something of it stays. */
export async function clearWork(
  path: string,
  { log, supervisor }: { readonly log: Log; readonly supervisor: string | null },
): Promise<void> {
  const cleared = await clearFolder(path, supervisor).catch(String);
  if (cleared !== true) log.warn({ path, ...(cleared ? { error: cleared } : {}) }, 'launch.not-cleared');
}

/** An interrupted preparation is a file, or has the launch one level deeper, and no job was started in it. */
export async function clearLeftover(path: string, supervisor: string | null): Promise<boolean> {
  if ((await lstat(path)).isFile()) return unlink(path).then(() => true);
  for (const name of await readdir(path)) {
    if (path.endsWith(`/${name}`)) await clearLaunch(join(path, name), supervisor);
  }
  return clearLaunch(path, supervisor);
}

/** Empties a folder that a job could write to, with the rights of its owner. False if something stays. */
export async function clearFolder(folder: string, supervisor: string | null): Promise<boolean> {
  // Usually it is empty, and no change of user is needed.
  if (await removeFolder(folder)) return true;
  const found = await lstat(folder);
  // Only a job with the scheduler's own permissions can have replaced it.
  if (!found.isDirectory()) return unlink(folder).then(() => true);
  const user = found.uid === process.getuid?.() ? null : { uid: found.uid, gid: found.gid };
  // It may fail for files that it cannot remove; the folder shows the result.
  await clearAs(user, folder, supervisor).catch(() => {});
  return removeFolder(folder);
}

async function clearAs(
  user: { readonly uid: number; readonly gid: number } | null,
  folder: string,
  supervisor: string | null,
): Promise<void> {
  if (supervisor !== null) {
    await run(supervisor, ['clear', folder, user === null ? '-' : `${user.uid}:${user.gid}`], {
      ...bounded,
      env: {},
    });
  } else {
    const env = { PATH: '/usr/bin:/bin' };
    await run('/bin/sh', ['-c', shellClear], { ...bounded, cwd: folder, env, ...(user ?? {}) });
  }
}

/** True if it is removed; false if it is not an empty folder. */
async function removeFolder(path: string): Promise<boolean> {
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return true;
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return false;
    throw error;
  }
}
