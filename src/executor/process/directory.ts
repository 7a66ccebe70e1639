/**
 * Launches as directories, under the shell supervisor and of earlier releases,
 * `<dir>/launches/<launch name>/<incarnation>/`:
 *
 * launch.json   the launch            claim/pid   who may start it: a link, created once, naming its creator
 * journal       its events            log/        stdout, stderr, open for appending      work/
 *
 * A directory appears atomically: it is prepared elsewhere and renamed into place, which fails if a launch of
 * this name exists. It disappears in the same way: its incarnation, a name that is never reused, is renamed
 * away, and the remaining empty name does not count. So whatever a paused scheduler or a late supervisor
 * still does to a replaced incarnation finds nothing, and never touches its successor.
 *
 * A job of another user owns `work` and its two output files, but not their parents, so it cannot replace
 * them. Under the shell supervisor, which runs as that user, it also owns `claim`.
 */

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import {
  chown,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  rmdir,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Log } from '../../scheduler/ports.ts';
import { LogFiles } from '../logs/files.ts';
import { isMissing, nullIfMissing } from '../logs/stream-file.ts';
import type { Owner } from '../owner.ts';
import { type Journal, type LaunchRecord, parseJournal } from '../supervised/journal.ts';
import type { Begun, Launch, Launches } from '../supervised/launch.ts';
import { type ShellFiles, startShell } from '../supervisor/shell.ts';
import { endCgroup } from './cgroup.ts';
import { clearLaunch, clearLeftover } from './clearing.ts';
import type { ProcessSource } from './table.ts';

/** Interrupted preparations and removals are cleared when they are older than any pause. */
const leftoverMs = 3_600_000;
/** The claim of a scheduler, instead of a process number: this launch will never start. */
const takenBack = 'taken back';
/** A journal has a few short lines; limits how much of it is read. */
const maxJournalBytes = 8 * 1024;
const appendExisting = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;
const readBluntly = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface LaunchDirectoriesParts {
  readonly dir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The supervisor's program. Null: the shell. */
  readonly supervisor: string | null;
  /** Bound of each stream of a launch's output. */
  readonly logBytes: number;
  readonly source: ProcessSource;
}

interface Place {
  readonly path: string;
  readonly name: string;
  readonly incarnation: string;
}

export function createLaunchDirectories(parts: LaunchDirectoriesParts): Omit<Launches, 'names'> {
  const { dir, clock } = parts;
  const launches = join(dir, 'launches');
  const scratch = join(dir, 'scratch');
  const sync = directorySync(launches);
  /** Nothing waits for it, because jobs decide how much there is. */
  const clearLeftovers = async (names: readonly string[]): Promise<void> => {
    for (const name of names) {
      const path = join(scratch, name);
      const age = clock.now() - ((await lstat(path).catch(() => null))?.mtimeMs ?? clock.now());
      if (age > leftoverMs) await clear(parts, path, clearLeftover);
    }
  };
  /** Null if a launch of this name exists. After it resolves, the name survives a crash of the machine. */
  const create = async (
    name: string,
    record: LaunchRecord,
    owner: Owner | null,
  ): Promise<LaunchDirectory | null> => {
    const incarnation = randomUUID();
    const staging = join(scratch, incarnation);
    await furnish(join(staging, incarnation), record, owner);
    try {
      await rename(staging, join(launches, name));
      await sync();
      return new LaunchDirectory(parts, { path: join(launches, name), name, incarnation }, record);
    } catch (error) {
      await rm(staging, { recursive: true, force: true });
      // ENOTDIR: a file, of the time when the supervisor's program could run.
      if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
        return null;
      throw error;
    }
  };

  return {
    async prepare() {
      await mkdir(launches, { recursive: true, mode: 0o711 });
      await mkdir(scratch, { recursive: true, mode: 0o700 });
      void clearLeftovers(await readdir(scratch));
    },

    async open(name) {
      const path = join(launches, name);
      const [incarnation] = (await readdir(path).catch(nullIfMissing)) ?? [];
      if (!incarnation) return null;
      const text = await readFile(join(path, incarnation, 'launch.json'), 'utf8').catch(() => '');
      return new LaunchDirectory(parts, { path, name, incarnation }, parseRecord(text));
    },

    async begin({ name, record, start }, mayStart): Promise<Begun> {
      const launch = await create(name, record, start.owner);
      if (launch === null) return { kind: 'taken' };
      if (!mayStart()) return { kind: 'withdrawn', launch };
      const cwd = start.cwd ?? launch.workPath;
      try {
        const { started, exited } = await startShell(dir, launch.files, { ...start, cwd });
        if (await started) return { kind: 'started', launch, exited };
        return { kind: 'ended', launch, code: await exited, cwd };
      } catch (error) {
        // Its directories are missing if a newer leader revoked and replaced it.
        if (!(await launch.journal())) return { kind: 'taken' };
        await launch.discard();
        throw error;
      }
    },

    stop: async () => undefined,
  };
}

class LaunchDirectory implements Launch {
  readonly obeysOrders = false;
  readonly name: string;
  readonly record: LaunchRecord | null;
  readonly output: LogFiles;
  readonly workPath: string;
  readonly files: ShellFiles;
  readonly #parts: LaunchDirectoriesParts;
  readonly #place: Place;

  constructor(parts: LaunchDirectoriesParts, place: Place, record: LaunchRecord | null) {
    const within = (...names: string[]): string => join(place.path, place.incarnation, ...names);
    this.name = place.name;
    this.record = record;
    this.#parts = parts;
    this.#place = place;
    this.workPath = within('work');
    this.output = new LogFiles(within('log'), parts.logBytes);
    const [stdout, stderr] = [within('log', 'stdout'), within('log', 'stderr')];
    this.files = { stdout, stderr, claim: within('claim', 'pid'), journal: within('journal') };
  }

  async journal(): Promise<Journal | null> {
    const text = await readBounded(this.files.journal);
    if (text === null) return null;
    const journal = parseJournal(text);
    if (!journal.supervisor) return journal;
    // It was claimed directly before the job started, and its last line is the exit.
    const startedAt = (await changedAt(this.files.claim)) ?? this.record?.createdAt ?? 0;
    const exitedAt = journal.exitCode === null ? null : await changedAt(this.files.journal);
    return { ...journal, startedAt, exitedAt };
  }

  async note(line: string): Promise<void> {
    // Without O_CREAT: a directory that is gone stays gone.
    const file = await open(this.files.journal, appendExisting);
    try {
      await file.write(line);
    } finally {
      await file.close();
    }
  }

  async takeBack(): Promise<boolean> {
    try {
      // A link has its text at once, so that no crash leaves an anonymous claim.
      await symlink(takenBack, this.files.claim);
      return true;
    } catch (error) {
      if (isMissing(error)) return true; // Gone, so no supervisor can claim it either.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return (await readClaim(this.files.claim)) === takenBack;
    }
  }

  async isAbandoned(): Promise<boolean> {
    const text = await readClaim(this.files.claim);
    if (text === null || !/^\d+$/.test(text)) return false;
    return (await this.#parts.source.find(Number(text))) === null;
  }

  async endLeftovers({ cgroup }: Journal): Promise<boolean> {
    return cgroup === null || endCgroup(cgroup, this.#parts.clock);
  }

  async discard(): Promise<void> {
    const { path, incarnation } = this.#place;
    const aside = join(this.#parts.dir, 'scratch', `${incarnation}-${randomUUID()}`);
    try {
      await rename(join(path, incarnation), aside);
    } catch (error) {
      if (isMissing(error)) return; // Another scheduler was first.
      throw error;
    }
    await rmdir(path).catch(() => {}); // Not empty: the name was taken again meanwhile.
    await clear(this.#parts, aside, clearLaunch);
  }
}

async function clear(
  { log, supervisor }: LaunchDirectoriesParts,
  path: string,
  clearIt: typeof clearLaunch,
): Promise<void> {
  const cleared = await clearIt(path, supervisor).catch(String);
  if (cleared !== true) log.warn({ path, ...(cleared ? { error: cleared } : {}) }, 'launch.not-cleared');
}

/** Creates everything that a launch needs. */
async function furnish(path: string, record: LaunchRecord, owner: Owner | null): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o711 });
  const make = async (name: string, of: Owner | null): Promise<void> => {
    await mkdir(join(path, name), { mode: 0o700 });
    if (of) await chown(join(path, name), of.uid, of.gid);
  };
  await Promise.all([
    make('claim', owner),
    make('work', owner),
    mkdir(join(path, 'log'), { mode: 0o700 }),
    writeFile(join(path, 'launch.json'), JSON.stringify(record), { mode: 0o600 }),
  ]);
  const create = async (name: string, of: Owner | null): Promise<void> => {
    const file = await open(join(path, name), 'ax', 0o600);
    // The file, not its directory: a job may open /dev/stderr again, but never replace the file.
    if (of) await file.chown(of.uid, of.gid);
    await file.close();
  };
  await Promise.all([create('log/stdout', owner), create('log/stderr', owner), create('journal', null)]);
}

/** Makes renames in a directory durable. Callers during a flush share the next one, so a burst needs few. */
function directorySync(path: string): () => Promise<void> {
  let current: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const flush = async (): Promise<void> => {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  };
  const begin = (): Promise<void> => {
    next = null;
    current = flush().finally(() => {
      current = null;
    });
    return current;
  };
  return () => {
    if (!current) return begin();
    next ??= current.catch(() => {}).then(begin);
    return next;
  };
}

/** The start of a file, or null if missing. Follows no links, and never waits for the other end of a pipe. */
async function readBounded(path: string): Promise<string | null> {
  try {
    const file = await open(path, readBluntly);
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(maxJournalBytes), 0, maxJournalBytes, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/**
 * Null if missing. Earlier versions created files; a launch claimed by such a version may still be starting.
 */
async function readClaim(path: string): Promise<string | null> {
  try {
    return await readlink(path);
  } catch (error) {
    if (isMissing(error)) return null;
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    return (await readBounded(path))?.trimEnd() ?? null;
  }
}

async function changedAt(path: string): Promise<number | null> {
  const found = await lstat(path).catch(() => null);
  return found && Math.floor(found.mtimeMs);
}

function parseRecord(text: string): LaunchRecord | null {
  try {
    return JSON.parse(text) as LaunchRecord;
  } catch {
    return null;
  }
}
