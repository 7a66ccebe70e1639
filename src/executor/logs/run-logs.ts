/**
 * The logs that this node keeps, by launch name, one directory each. Engines either copy what is kept elsewhere (`copy`)
 * or hand over files (`keep`). The output of a launch is bounded, and so are age, number and total size of all that is
 * kept: the oldest go first, a few with each new one, so no call has to go through all of them.
 *
 * One object per directory and node: the account of sizes is kept in memory and read from disk once.
 */

import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CarillonError } from '../../errors.ts';
import type { Clock, LogChunk, LogQuery } from '../../scheduler/ports.ts';
import { LogFiles } from './files.ts';
import { FrameLog } from './frame-log.ts';
import { writeFrames } from './frame-writer.ts';
import type { LogOutput } from './output.ts';

/** Enough for a stack trace or a build log, little enough for thousands of runs on one disk. */
export const defaultBytesPerStream = 10 * 1024 * 1024;
/** All kept logs together. */
export const defaultTotalBytes = 1024 * 1024 * 1024;
/** Longer than a holiday. */
export const defaultMaxAgeMs = 30 * 24 * 3_600_000;
/** Bounds directory entries and memory where runs print next to nothing. */
export const defaultMaxCount = 100_000;
/** What one new log may cost in removals. More than one, so that a backlog melts. */
const removalsPerChange = 16;
/** Directories read at once while the account is opened. */
const openingWidth = 16;

export interface RunLogsParts {
  readonly dir: string;
  readonly clock: Clock;
  /** Of one launch. */
  readonly logBytes?: number;
  readonly totalBytes?: number;
  readonly maxAgeMs?: number;
  readonly maxCount?: number;
}

export interface RunLogs {
  /** Keeps the whole output of a launch, or nothing if it cannot be read to its end. */
  copy(launchName: string, output: AsyncIterable<LogChunk>): Promise<void>;
  /** Takes over the output of a launch that has ended; its files are moved within one file system. */
  keep(launchName: string, output: LogOutput): Promise<void>;
  /** True when something is kept under this name. */
  has(launchName: string): Promise<boolean>;
  /** With `follow`, stays until `ended` says true and everything is read. LOGS_GONE when nothing is kept. */
  read(launchName: string, query: LogQuery, ended: () => boolean): AsyncGenerator<LogChunk, void, undefined>;
  /** Drops what is kept. Unknown names are no error. */
  discard(launchName: string): Promise<void>;
}

interface Kept {
  readonly bytes: number;
  readonly at: number;
}

export function createRunLogs(parts: RunLogsParts): RunLogs {
  const { dir, clock } = parts;
  const logBytes = parts.logBytes ?? defaultBytesPerStream;
  const totalBytes = parts.totalBytes ?? defaultTotalBytes;
  const maxAgeMs = parts.maxAgeMs ?? defaultMaxAgeMs;
  const maxCount = parts.maxCount ?? defaultMaxCount;

  /** Oldest first. */
  let account: Promise<Map<string, Kept>> | null = null;
  let total = 0;

  const directoryOf = (launchName: string): string => join(dir, launchName);
  const outputOf = (launchName: string): Promise<LogOutput> => keptOutput(directoryOf(launchName), logBytes);

  function opened(): Promise<Map<string, Kept>> {
    account ??= openAccount(dir, logBytes).then((kept) => {
      for (const entry of kept.values()) total += entry.bytes;
      return kept;
    });
    return account;
  }

  /** Enters a change and removes what no longer fits. The newest always stays. */
  async function enter(launchName: string): Promise<void> {
    const kept = await opened();
    const bytes = await (await outputOf(launchName)).bytes();
    total += bytes - (kept.get(launchName)?.bytes ?? 0);
    kept.delete(launchName);
    kept.set(launchName, { bytes, at: clock.now() });
    for (let removals = 0; removals < removalsPerChange && kept.size > 1; removals++) {
      const [oldest, entry] = kept.entries().next().value!;
      const fits = total <= totalBytes && kept.size <= maxCount && clock.now() - entry.at <= maxAgeMs;
      if (fits || oldest === launchName) return;
      await forget(kept, oldest);
    }
  }

  async function forget(kept: Map<string, Kept>, launchName: string): Promise<void> {
    total -= kept.get(launchName)?.bytes ?? 0;
    kept.delete(launchName);
    await rm(directoryOf(launchName), { recursive: true, force: true });
  }

  const logs: RunLogs = {
    async copy(launchName, output) {
      await logs.discard(launchName);
      await mkdir(directoryOf(launchName), { mode: 0o700 });
      try {
        await writeFrames(directoryOf(launchName), logBytes, output);
      } catch (error) {
        await logs.discard(launchName);
        throw error;
      }
      await enter(launchName);
    },

    async keep(launchName, output) {
      if (!(await output.exists())) return; // Handed over before, by a call that was cut short.
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await output.moveTo(directoryOf(launchName));
      await enter(launchName);
    },

    async has(launchName) {
      if (!isLaunchName(launchName)) return false;
      return (await stat(directoryOf(launchName)).catch(() => null)) !== null;
    },

    async *read(launchName, query, ended) {
      if (!(await logs.has(launchName))) throw logsGone(launchName);
      yield* (await outputOf(launchName)).read(query, { clock, ended });
    },

    async discard(launchName) {
      await forget(await opened(), launchName);
    },
  };
  return logs;
}

/** Names come from addresses too, and are used as paths here. */
export function isLaunchName(name: string): boolean {
  return /^[a-z0-9-]{1,63}$/.test(name);
}

export function logsGone(launchName: string): CarillonError {
  return new CarillonError('LOGS_GONE', `The logs of ${launchName} are no longer kept on this node.`, {
    value: launchName,
    allowed: 'logs are kept within bounds of age and size, on the node that watched the run',
  });
}

/** Two files, of processes under the shell supervisor and of containers until release 0.2.0, or frames. */
async function keptOutput(directory: string, logBytes: number): Promise<LogOutput> {
  const frames = FrameLog.keptIn(directory);
  return (await frames.exists()) ? frames : new LogFiles(directory, logBytes);
}

async function openAccount(dir: string, logBytes: number): Promise<Map<string, Kept>> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const names = (await readdir(dir)).filter(isLaunchName);
  const found: { name: string; at: number; bytes: number }[] = [];
  const measure = async (name: string): Promise<void> => {
    const at = (await stat(join(dir, name))).mtimeMs;
    found.push({ name, at, bytes: await (await keptOutput(join(dir, name), logBytes)).bytes() });
  };
  for (let from = 0; from < names.length; from += openingWidth) {
    await Promise.all(names.slice(from, from + openingWidth).map(measure));
  }
  found.sort((a, b) => a.at - b.at);
  return new Map(found.map(({ name, at, bytes }) => [name, { at, bytes }]));
}
