/**
 * The store of a single node: LMDB in the data directory. One commit is one transaction, on disk before it is
 * acknowledged. A crash or failure at any time leaves it complete or absent.
 */

import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import type { RootDatabase } from 'lmdb';
import { CarillonError } from '../../errors.ts';
import type { BackupTaken, Store, StoreLimits } from '../../scheduler/ports.ts';
import { createSharing } from '../../scheduler/records/codec.ts';
import { decodeLoaded, encodeWrites, formatOf } from '../../scheduler/records/stored.ts';
import type { LoadedItem, WriteGroup } from '../../scheduler/records/table.ts';
import { type BackupHeader, writeBackup } from '../backup-file.ts';
import type { TermSource } from '../election-solo.ts';
import { createEmbeddedArchive } from './archive.ts';
import { embeddedRecords, Moment } from './backup.ts';
import { checkFiles, damaged, dataFile, isUnused, unavailable } from './health.ts';
import { type Bare, lockDirectory } from './lock.ts';
import { type Marker, writeMarker } from './marker.ts';
import { layoutOf, openRoot, openTables, type Tables, UNSEALED_LAYOUT } from './tables.ts';
import { durably } from './transaction.ts';
import { createCommitWrites } from './writes.ts';

/**
 * Writes of a commit run on the main thread, at 10 to 30 µs each: more of them would delay requests too long,
 * and the fsync is already a small part of a commit of this size.
 */
const limits: StoreLimits = { maxWrites: 2_000, inFlight: 1 };
/** Values per batch of `load`: some ten milliseconds of work. */
const CHUNK = 2_000;

export interface EmbeddedStore extends Store, TermSource {}

interface Opened {
  readonly root: RootDatabase;
  readonly tables: Tables;
  readonly unlock: () => void;
}

export interface EmbeddedStoreParts {
  readonly dir: string;
  /** For the program that locks the directory. Absent: it is started normally. */
  readonly bare?: Bare;
  /** How long the past of kinds with an age is kept. Default: that of each kind. */
  readonly keepMs?: number;
}

export function createEmbeddedStore({ dir, bare, keepMs }: EmbeddedStoreParts): EmbeddedStore {
  let opened: Opened | null = null;
  const moments = new Set<Moment>();
  const ready = (): Opened => {
    if (opened === null) throw new CarillonError('STORE_UNAVAILABLE', `The store in ${dir} is not open.`);
    return opened;
  };
  /** Why the last change could not be written. Null: it was. */
  let failure: string | null = null;
  /** STORE_UNAVAILABLE with the cause, which the status reports until a change is written. */
  const written = async <T>(change: (opened: Opened) => Promise<T>): Promise<T> => {
    try {
      const answer = await change(ready());
      failure = null;
      return answer;
    } catch (error) {
      // A full or read-only disk may recover: the next campaign creates another term.
      const problem = unavailable(dir, error);
      failure = problem.message;
      throw problem;
    }
  };
  return {
    limits,
    async open() {
      opened = await openDirectory(dir, bare);
    },
    async close() {
      const closing = opened;
      opened = null;
      for (const moment of moments) moment.end();
      await closing?.root.close();
      closing?.unlock();
    },
    async installation() {
      return ready().tables.meta.get('cluster') as string;
    },
    campaign: () =>
      written(async ({ root, tables }) => {
        const term = await durably(dir, root, () => {
          const next = ((tables.meta.get('term') as number | undefined) ?? 0) + 1;
          tables.meta.putSync('term', next);
          return next;
        });
        writeMarker(dir, { state: 'made', installation: tables.meta.get('cluster') as string, term });
        return term;
      }),
    load: () => load(ready().tables),
    async commit(term, groups: readonly WriteGroup[]) {
      const current = await written(({ root, tables }) =>
        durably(dir, root, () => {
          const newest = tables.meta.get('term') as number | undefined;
          // Nothing is written before the term is known to be current.
          if (newest === term) apply(tables, groups, keepMs);
          return newest;
        }),
      );
      if (current !== term) {
        throw new CarillonError('NOT_LEADING', `Term ${term} has ended. The current one is ${current}.`);
      }
    },
    // Only this process writes, and it knows what it wrote.
    watch: () => ({ caughtUp: async () => undefined, lagMs: () => 0, stop: () => undefined }),
    status: () => ({ reachable: opened !== null && failure === null, detail: failure ?? dir }),
    async *backup({ version, now }) {
      const { root, tables } = ready();
      const moment = new Moment(root);
      moments.add(moment);
      try {
        yield* writeBackup(headerOf(tables, { version, now }), embeddedRecords(tables, moment));
      } finally {
        moment.end();
        moments.delete(moment);
      }
    },
    archive: createEmbeddedArchive(() => ready().tables),
  };
}

function headerOf({ meta }: Tables, { version, now }: BackupTaken): Omit<BackupHeader, 'carillon'> {
  return {
    version,
    takenAt: new Date(now).toISOString(),
    installation: meta.get('cluster') as string,
    store: 'embedded',
    term: (meta.get('term') as number | undefined) ?? 0,
    format: (meta.get('format') as number) - layoutOf(0),
  };
}

/** Writes a commit, inside its transaction. */
function apply(tables: Tables, groups: readonly WriteGroup[], keepMs: number | undefined): void {
  const writes = createCommitWrites(tables, keepMs);
  const records = encodeWrites(groups);
  const layout = layoutOf(formatOf(records));
  // From now on earlier releases refuse the store.
  if (layout > (tables.meta.get('format') as number)) tables.meta.putSync('format', layout);
  for (const record of records) writes.apply(record);
  writes.finish();
}

async function openDirectory(dir: string, bare?: Bare): Promise<Opened> {
  let unlock: (() => void) | null = null;
  let root: RootDatabase | null = null;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    unlock = lockDirectory(dir, bare);
    const marker = checkFiles(dir);
    if (marker === null && !existsSync(dataFile(dir)))
      writeMarker(dir, { state: 'being-made', installation: '', term: 0 });
    root = openRoot(dir);
    const tables = openTables(root, (what) => damaged(dir, `The store in ${dir} is damaged: ${what}.`));
    await establish(dir, { root, tables }, marker);
    return { root, tables, unlock };
  } catch (error) {
    await root?.close();
    unlock?.();
    throw unavailable(dir, error);
  }
}

/** Creates a new installation, or finds that of the marker. Afterwards the marker says that it exists. */
async function establish(
  dir: string,
  { root, tables: { meta } }: Pick<Opened, 'root' | 'tables'>,
  marker: Marker | null,
): Promise<void> {
  const layout = meta.get('format') as number | undefined;
  const installation = meta.get('cluster') as string | undefined;
  const term = (meta.get('term') as number | undefined) ?? 0;
  if (isUnused(dir, marker, { layout, installation, term })) {
    await durably(dir, root, () => {
      meta.putSync('format', layoutOf(1));
      meta.putSync('cluster', randomUUID());
    });
  } else if (layout === UNSEALED_LAYOUT) {
    // Values get checksums when they are written again.
    await durably(dir, root, () => meta.putSync('format', layoutOf(1)));
  }
  if (marker?.state !== 'made')
    writeMarker(dir, { state: 'made', installation: meta.get('cluster') as string, term });
}

/** All present records, yielding to requests and timers between chunks. */
async function* load({ present }: Tables): AsyncIterable<readonly LoadedItem[]> {
  const share = createSharing();
  for (const [kind, table] of present) {
    let chunk: LoadedItem[] = [];
    for (const { key, value } of table.getRange()) {
      chunk.push(decodeLoaded([kind, key, value], share));
      if (chunk.length < CHUNK) continue;
      yield chunk;
      chunk = [];
      await new Promise((resolve) => setImmediate(resolve));
    }
    yield chunk;
  }
}
