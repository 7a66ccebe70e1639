/**
 * Installs the supervisor's program as an executable file, where only the scheduler can write. It is compared
 * with this version's program whenever it is installed.
 */

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../scheduler/ports.ts';
import { supervisorEnd, supervisorPrograms } from './program.ts';

/**
 * Writes the program to `dir` and returns its path. Null if a shell must be used: on other systems and
 * machines, and if `dir` is on a file system that does not allow executing; the log says so.
 */
export async function installSupervisor(dir: string, log: Log): Promise<string | null> {
  const program = process.platform === 'linux' ? supervisorPrograms[process.arch] : undefined;
  if (program === undefined) {
    log.info({ platform: process.platform, arch: process.arch }, 'process.shell-supervisor');
    return null;
  }
  const path = join(dir, 'supervisor');
  try {
    await write(path, dir, Buffer.from(program, 'base64'));
    await tryOut(path);
    return path;
  } catch (error) {
    log.warn({ path, error: String(error) }, 'process.shell-supervisor');
    return null;
  }
}

/**
 * A command line that passes only the first `count` descriptors to a program: the store's library and
 * whatever started the scheduler leave some open that every child would inherit. Without the supervisor's
 * program the command is unchanged.
 */
export function onlyDescriptors(
  supervisor: string | null,
  count: number,
  argv: readonly [string, ...string[]],
): readonly [string, ...string[]] {
  return supervisor === null ? argv : [supervisor, 'only', String(count), ...argv];
}

/** Atomic: another scheduler of this folder may be starting jobs with it. */
async function write(path: string, dir: string, bytes: Buffer): Promise<void> {
  const present = await readFile(path).catch(() => null);
  if (!present?.equals(bytes)) {
    await mkdir(dir, { recursive: true, mode: 0o711 });
    const next = `${path}-${randomUUID()}`;
    await writeFile(next, bytes, { mode: 0o500, flag: 'wx' });
    await rename(next, path).catch(async (error) => {
      await rm(next, { force: true });
      throw error;
    });
  }
  await chmod(path, 0o500);
}

/** Fails if the system does not execute it. */
function tryOut(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(path, [], { env: {} }, (error) => {
      if (error?.code === supervisorEnd.usage) resolve();
      else reject(error ?? new Error('it does nothing'));
    });
  });
}
