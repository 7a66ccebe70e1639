/**
 * The supervisor's program as a file that the system can execute. It lies where only the scheduler writes, and is
 * compared with what this version carries whenever it is put to use.
 */

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../scheduler/ports.ts';
import { supervisorEnd, supervisorPrograms } from './program.ts';

/**
 * Puts the program under `dir` and answers its path. Null where a shell has to do: on other systems and
 * machines, and where `dir` lies on a file system that executes nothing; the log says so.
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
 * The command line that gives a program the first `count` descriptors and no other: the store's library and
 * whoever started the scheduler leave some open that every child would get. Without the supervisor's program
 * the command stays as it is.
 */
export function onlyDescriptors(
  supervisor: string | null,
  count: number,
  argv: readonly [string, ...string[]],
): readonly [string, ...string[]] {
  return supervisor === null ? argv : [supervisor, 'only', String(count), ...argv];
}

/** Whole or not at all: another scheduler of this folder may start jobs with it right now. */
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

/** Fails where the system does not execute it. */
function tryOut(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(path, [], { env: {} }, (error) => {
      if (error?.code === supervisorEnd.usage) resolve();
      else reject(error ?? new Error('it does nothing'));
    });
  });
}
