/**
 * Launches as files, `<dir>/launches/<launch name>`: what is known of the launch, then its output. supervisor/launch.h has
 * the areas. The supervisor's program creates the file, under its name at once, and at most one supervisor ever starts it:
 * the one that holds the file's lock and finds it neither revoked nor removed. Whoever removes the file has its lock too, so
 * a name never means another file in the moment in which it is freed.
 *
 *   scratch/<id>   the file before it has its name    tails/<id>.<n>   further parts of the output
 *   work/<id>      the job's folder, if it has none
 *
 * All of them belong to the scheduler's user except `work/<id>`, so jobs of other users reach nothing else.
 */

import { constants, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { CarillonError } from '../../errors.ts';
import type { Clock, Log } from '../../scheduler/ports.ts';
import { FrameLog } from '../logs/frame-log.ts';
import { isMissing } from '../logs/stream-file.ts';
import { area, type FileRecord, type Journal, parseLaunchFile } from '../supervised/journal.ts';
import type { Launch, Launches } from '../supervised/launch.ts';
import { createServedLaunches, firstRead, takeBack, takeName } from '../supervised/served.ts';
import { createLaunchServer, type LaunchServer } from '../supervisor/server.ts';
import { endCgroup } from './cgroup.ts';
import { clearWork } from './clearing.ts';
import { type LimitGroups, noLimitGroups } from './limits.ts';

/** Kills of one launch that are noted; the earliest counts, and there is room for the lines that follow. */
const maxKillBytes = 768;
/** Reads a file that a job of the same user may have replaced: never by a link, and without waiting for a pipe. */
const flags = {
  read: constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  change: constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK,
} as const;

export interface LaunchFilesParts {
  readonly dir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The supervisor's program. */
  readonly supervisor: string;
  /** The folder for the cgroups of launches. Null: there are none. */
  readonly cgroups: string | null;
  /** Creates the groups for limits. Default: limits are refused. */
  readonly limitGroups?: LimitGroups;
  /** Bound of a launch's output, both streams together. */
  readonly logBytes: number;
}

export function createLaunchFiles(parts: LaunchFilesParts): Omit<Launches, 'names'> {
  const { dir, clock, supervisor, cgroups, limitGroups = noLimitGroups, logBytes } = parts;
  const server = createLaunchServer(supervisor, dir, clock);
  const pathOf = (name: string): string => join(dir, 'launches', name);
  const launchOf = (name: string, record: FileRecord | null): Launch =>
    new LaunchFile(parts, server, pathOf(name), name, record);
  return {
    async prepare() {
      for (const folder of ['launches', 'work'])
        await mkdir(join(dir, folder), { recursive: true, mode: 0o711 });
      for (const folder of ['scratch', 'tails'])
        await mkdir(join(dir, folder), { recursive: true, mode: 0o700 });
    },

    async open(name) {
      const file = await read(pathOf(name));
      return file && launchOf(name, file.record);
    },

    keepsTime: true,
    ...createServedLaunches({
      server,
      logBytes,
      limitGroups,
      launchOf,
      workOf: (id) => join(dir, 'work', id),
      cgroupOf: (id) => cgroups && join(cgroups, id),
    }),

    stop: () => server.stop(),
  };
}

class LaunchFile implements Launch {
  readonly obeysOrders = true;
  readonly name: string;
  readonly record: FileRecord | null;
  readonly output: FrameLog;
  readonly #parts: LaunchFilesParts;
  readonly #server: LaunchServer;
  readonly #path: string;
  readonly #id: string;

  constructor(
    parts: LaunchFilesParts,
    server: LaunchServer,
    path: string,
    name: string,
    record: FileRecord | null,
  ) {
    this.name = name;
    this.record = record;
    this.#parts = parts;
    this.#server = server;
    this.#path = path;
    this.#id = record?.id ?? '-';
    this.output = new FrameLog(path, (part) => join(parts.dir, 'tails', `${this.#id}.${part}`));
  }

  async journal(): ReturnType<Launch['journal']> {
    const file = await read(this.#path);
    return file !== null && this.#isSame(file.record) ? file.journal : null;
  }

  async note(line: string): Promise<void> {
    const file = await open(this.#path, flags.change);
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(firstRead), 0, firstRead, 0);
      if (!this.#isSame(parseLaunchFile(buffer.subarray(0, bytesRead)).record)) throw isReplaced(this.name);
      const end = buffer.indexOf(0, area.orders);
      const limit = line.startsWith('kill ') ? area.orders + maxKillBytes : area.record;
      if (end < 0 || end + line.length > limit) return;
      await file.write(line, end);
    } finally {
      await file.close();
    }
  }

  takeBack(): Promise<boolean> {
    return takeBack(this.#server, this.name, this.#id);
  }

  /** The lock goes with the process that holds it. */
  async isAbandoned(): Promise<boolean> {
    return false;
  }

  async endLeftovers({ cgroup }: Journal): Promise<boolean> {
    return cgroup === null || endCgroup(cgroup, this.#parts.clock);
  }

  async #clear(): Promise<void> {
    if (this.record === null) return;
    const { dir, clock, log } = this.#parts;
    await clearWork(join(dir, 'work', this.record.id), this.#parts);
    // Its supervisor has removed them, unless it was killed or the job made groups within.
    for (const path of this.record.limitGroups ?? [])
      if (!(await endCgroup(path, clock))) log.warn({ path }, 'launch.not-cleared');
  }

  async discard(): Promise<void> {
    if ((await this.journal()) === null) return; // Another scheduler was first.
    await this.#clear();
    await takeName(this.#server, this.#parts.clock, this.name, this.#id);
  }

  /** The name may have been given to another launch of the same attempt. */
  #isSame(record: FileRecord | null): boolean {
    return record?.id === this.record?.id;
  }
}

const isReplaced = (name: string): CarillonError =>
  new CarillonError('ENGINE_UNAVAILABLE', `${name} is the name of another launch by now`);

async function read(path: string): Promise<ReturnType<typeof parseLaunchFile> | null> {
  try {
    const file = await open(path, flags.read);
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(firstRead), 0, firstRead, 0);
      return parseLaunchFile(buffer.subarray(0, bytesRead));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
