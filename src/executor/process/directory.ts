/**
 * The directories of process launches, `<dir>/launches/<launch name>/<incarnation>/`:
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
import { isLaunchName } from '../logs/run-logs.ts';
import { isMissing } from '../logs/stream-file.ts';
import type { Owner } from '../owner.ts';
import { clearLaunch, clearLeftover } from './clearing.ts';
import { type Journal, parseJournal } from './journal.ts';

/** Interrupted preparations and removals are cleared when they are older than any pause. */
const leftoverMs = 3_600_000;
/** The claim of a scheduler, instead of a process number: this launch will never start. */
const takenBack = 'taken back';
/** A journal has a few short lines; limits how much of it is read. */
const maxJournalBytes = 8 * 1024;
const appendExisting = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;
const readBluntly = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface LaunchRecord {
  /** The installation. It is called so in files of all releases. */
  readonly cluster: string;
  readonly term: number;
  readonly job: string;
  readonly run: string;
  readonly attempt: number;
  readonly due: number;
  readonly createdAt: number;
  /** Of the machine at that time. */
  readonly boot: string;
}

export interface LaunchDirectory {
  readonly name: string;
  readonly incarnation: string;
  /** Null if it did not survive a crash of the machine: then nothing of it runs. */
  readonly record: LaunchRecord | null;
  readonly claimPath: string;
  readonly workPath: string;
  readonly logPath: string;
  /** Paths that never lead to another incarnation. */
  readonly files: { readonly stdout: string; readonly stderr: string; readonly journal: string };
  /** Null if the directory is gone. */
  journal(): Promise<Journal | null>;
  note(line: string): Promise<void>;
  /** When the journal last grew, epoch milliseconds. */
  notedAt(): Promise<number | null>;
  /** When it was claimed, directly before the job starts. Null if it was not. */
  claimedAt(): Promise<number | null>;
  /** True if this call, or an earlier one of any scheduler, ensured that it will never start. */
  takeBack(): Promise<boolean>;
  /** The process that claimed it. Null if none did, or if unreadable. */
  claimant(): Promise<number | null>;
}

export interface LaunchDirectories {
  prepare(): Promise<void>;
  /** Null if a launch of this name exists. After it resolves, the name survives a crash of the machine. */
  create(name: string, record: LaunchRecord, owner: Owner | null): Promise<LaunchDirectory | null>;
  open(name: string): Promise<LaunchDirectory | null>;
  names(): Promise<string[]>;
  discard(directory: LaunchDirectory): Promise<void>;
}

export interface LaunchDirectoriesParts {
  readonly dir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The supervisor's program. Null: the shell. */
  readonly supervisor: string | null;
}

export function createLaunchDirectories(parts: LaunchDirectoriesParts): LaunchDirectories {
  const { dir, clock, log, supervisor } = parts;
  const launches = join(dir, 'launches');
  const scratch = join(dir, 'scratch');
  const sync = directorySync(launches);
  const clear = async (path: string, clearIt: typeof clearLaunch): Promise<void> => {
    const cleared = await clearIt(path, supervisor).catch(String);
    if (cleared !== true) log.warn({ path, ...(cleared ? { error: cleared } : {}) }, 'launch.not-cleared');
  };
  /** Nothing waits for it, because jobs decide how much there is. */
  const clearLeftovers = async (names: readonly string[]): Promise<void> => {
    for (const name of names) {
      const path = join(scratch, name);
      const age = clock.now() - ((await lstat(path).catch(() => null))?.mtimeMs ?? clock.now());
      if (age > leftoverMs) await clear(path, clearLeftover);
    }
  };

  return {
    async prepare() {
      await mkdir(launches, { recursive: true, mode: 0o711 });
      await mkdir(scratch, { recursive: true, mode: 0o700 });
      void clearLeftovers(await readdir(scratch));
    },

    async create(name, record, owner) {
      const incarnation = randomUUID();
      const staging = join(scratch, incarnation);
      const claimOwner = supervisor === null ? owner : null;
      await furnish(join(staging, incarnation), { record, owner, claimOwner });
      try {
        await rename(staging, join(launches, name));
        await sync();
        return directoryAt(join(launches, name), name, incarnation, record);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
        await rm(staging, { recursive: true, force: true });
        return null;
      }
    },

    async open(name) {
      if (!isLaunchName(name)) return null;
      const path = join(launches, name);
      const [incarnation] = await readdir(path).catch(emptyIfMissing);
      if (!incarnation) return null;
      const text = await readFile(join(path, incarnation, 'launch.json'), 'utf8').catch(() => '');
      return directoryAt(path, name, incarnation, parseRecord(text));
    },

    async names() {
      return (await readdir(launches).catch(emptyIfMissing)).filter(isLaunchName);
    },

    async discard({ name, incarnation }) {
      const aside = join(scratch, `${incarnation}-${randomUUID()}`);
      try {
        await rename(join(launches, name, incarnation), aside);
      } catch (error) {
        if (isMissing(error)) return; // Somebody else was first.
        throw error;
      }
      await rmdir(join(launches, name)).catch(() => {}); // Not empty: the name was taken again meanwhile.
      await clear(aside, clearLaunch);
    },
  };
}

function directoryAt(
  path: string,
  name: string,
  incarnation: string,
  record: LaunchRecord | null,
): LaunchDirectory {
  const within = (...parts: string[]): string => join(path, incarnation, ...parts);
  const journalPath = within('journal');
  const claimPath = within('claim', 'pid');
  return {
    name,
    incarnation,
    record,
    claimPath,
    workPath: within('work'),
    logPath: within('log'),
    files: { stdout: within('log', 'stdout'), stderr: within('log', 'stderr'), journal: journalPath },
    async journal() {
      const text = await readBounded(journalPath);
      return text === null ? null : parseJournal(text);
    },
    async note(line) {
      // Without O_CREAT: a directory that is gone stays gone.
      const file = await open(journalPath, appendExisting);
      try {
        await file.write(line);
      } finally {
        await file.close();
      }
    },
    notedAt: () => changedAt(journalPath),
    claimedAt: () => changedAt(claimPath),
    async takeBack() {
      try {
        // A link has its text at once, so that no crash leaves an anonymous claim.
        await symlink(takenBack, claimPath);
        return true;
      } catch (error) {
        if (isMissing(error)) return true; // Gone, so no supervisor can claim it either.
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        return (await readClaim(claimPath)) === takenBack;
      }
    },
    async claimant() {
      const text = await readClaim(claimPath);
      return text && /^\d+$/.test(text) ? Number(text) : null;
    },
  };
}

/** Creates everything that a launch needs. */
async function furnish(
  path: string,
  given: { readonly record: LaunchRecord; readonly owner: Owner | null; readonly claimOwner: Owner | null },
): Promise<void> {
  const { record, owner, claimOwner } = given;
  await mkdir(path, { recursive: true, mode: 0o711 });
  const make = async (name: string, of: Owner | null): Promise<void> => {
    await mkdir(join(path, name), { mode: 0o700 });
    if (of) await chown(join(path, name), of.uid, of.gid);
  };
  await Promise.all([
    make('claim', claimOwner),
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

function emptyIfMissing(error: unknown): string[] {
  if (isMissing(error)) return [];
  throw error;
}
