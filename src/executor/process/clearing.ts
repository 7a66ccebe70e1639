/**
 * Removes the directory of a launch that is over, without trusting it: a process that the job left behind may still
 * write there, and may put a link in the place of a folder at any moment. So what a job could write to is
 * emptied with that job's rights only, and what these do not suffice for stays.
 */

import { execFile } from 'node:child_process';
import { lstat, readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isMissing } from '../logs/stream-file.ts';

const run = promisify(execFile);
/** A process that was left behind can fill a folder as fast as it is emptied. What is larger is left for the next start. */
const bounded = { timeout: 60_000, killSignal: 'SIGKILL' } as const;
/** With the folder as its own; -xdev: nothing that is mounted there. */
const shellClear = 'chmod -R u+rwx .; exec find . -xdev -mindepth 1 -delete';

/** False when something of it stays. `supervisor`: its program, null where there is none. */
export async function clearLaunch(path: string, supervisor: string | null): Promise<boolean> {
  for (const name of ['work', 'claim']) {
    if (!(await clearFolder(join(path, name), supervisor))) return false;
  }
  // No job can write to these: their folders are the scheduler's.
  await rm(join(path, 'log'), { recursive: true, force: true });
  for (const name of ['journal', 'launch.json']) await rm(join(path, name), { force: true });
  return removeFolder(path);
}

/** A preparation that was cut short holds the launch one level deeper, and no job was started in it. */
export async function clearLeftover(path: string, supervisor: string | null): Promise<boolean> {
  for (const name of await readdir(path)) {
    if (path.endsWith(`/${name}`)) await clearLaunch(join(path, name), supervisor);
  }
  return clearLaunch(path, supervisor);
}

async function clearFolder(folder: string, supervisor: string | null): Promise<boolean> {
  // Mostly nothing is in it, and nobody has to become somebody else.
  if (await removeFolder(folder)) return true;
  const found = await lstat(folder);
  // Only a job with the scheduler's own rights can have put something else in its place.
  if (!found.isDirectory()) return unlink(folder).then(() => true);
  const user = found.uid === process.getuid?.() ? null : { uid: found.uid, gid: found.gid };
  // It may fail over what it can't remove: the folder tells.
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

/** True when it is gone; false when it is not an empty folder. */
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
