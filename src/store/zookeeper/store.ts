/**
 * The store of several nodes: a ZooKeeper ensemble. A commit is one transaction that checks the term and adds
 * a segment to the log; readable tables are updated from the log at intervals. Every node follows the log, so
 * it has what the tables do not have yet.
 */

import { randomUUID } from 'node:crypto';
import { CarillonError } from '../../errors.ts';
import type { BackupTaken, Clock, Log, Store } from '../../scheduler/ports.ts';
import { createSharing } from '../../scheduler/records/codec.ts';
import { type PresentKind, type Share, type StoredRecord, tooNew } from '../../scheduler/records/kind.ts';
import { decodeLoaded, newestFormat, presentKinds } from '../../scheduler/records/stored.ts';
import type { LoadedItem } from '../../scheduler/records/table.ts';
import { type BackupHeader, writeBackup } from '../backup-file.ts';
import type { TermSource } from '../election-solo.ts';
import { createZooKeeperArchive } from './archive.ts';
import { zookeeperRecords } from './backup.ts';
import { beginTerm } from './epoch.ts';
import { makeFolders, makeNode, makeTables, refuseOthers } from './folders.ts';
import { NewestRuns } from './past-index.ts';
import { folderOf, paths, presentFolders } from './paths.ts';
import type { Pending } from './pending.ts';
import { claim, refuseOpen } from './protect.ts';
import { namesIn, readTable, recordsIn } from './read-table.ts';
import { Tail, unavailable } from './tail.ts';
import { Terms } from './terms.ts';
import { patiently } from './wire/patience.ts';
import type { ZooKeeperSession } from './wire/session.ts';
import type { Writer } from './writer.ts';

/** Writes in a segment of some tens of kilobytes; several commits are in progress at once. */
const limits = { maxWrites: 500, inFlight: 4 } as const;

export interface ZooKeeperStore extends Store, TermSource {
  /** Updates the tables from the log at once; only while this node's term is current. */
  checkpoint(): Promise<void>;
}

export interface ZooKeeperStoreParts {
  readonly session: ZooKeeperSession;
  /** For people: the address of the ensemble. */
  readonly hosts: string;
  /**
   * The installation that this node found there before. If it is gone, no new one is created in its place.
   */
  readonly known?: string | null;
  readonly clock: Clock;
  readonly log: Log;
  /** How long the past of kinds with an age is kept. Default: that of each kind. */
  readonly keepMs?: number;
}

export function createZooKeeperStore(parts: ZooKeeperStoreParts): ZooKeeperStore {
  const { session, hosts, clock, log, keepMs } = parts;
  const tail = new Tail({ session, clock, log });
  const terms = new Terms({ session, clock, log, tail, keepMs });
  const index = new NewestRuns();
  /** The values that the index belongs to. */
  let indexed: Pending | null = null;

  /** What is known of the newest runs of all jobs with a past; updated as runs end. */
  async function newestRuns(): Promise<NewestRuns> {
    if (indexed !== tail.pending) {
      const pending = tail.pending;
      // After a gap it is unknown whose runs ended in it.
      if (indexed !== null) index.forget();
      for (const { key } of await namesIn(session, folderOf('run-ended'))) index.add(key);
      indexed = pending;
    }
    for (const [job, place] of tail.pending.takeNewest()) index.ended(job, place);
    return index;
  }

  return {
    limits,
    async open() {
      try {
        await session.start();
        await patiently(clock, session, async () => {
          await install(parts);
          await tail.start();
        });
      } catch (error) {
        // A closed store has no session, so that its process can end.
        tail.stop();
        await session.close();
        throw unavailable(error);
      }
    },
    async close() {
      await terms.end();
      tail.stop();
      await session.close();
    },
    async installation() {
      const node = await patiently(clock, session, () => session.get(paths.installation));
      return node?.data.toString() ?? '';
    },
    campaign: async () => (await beginTerm(session, {}, null)) ?? 0,
    load: () => load(session, tail, clock, (job, at) => index.endedBy(job, at)),
    async commit(term, groups) {
      let writer: Writer;
      try {
        ({ writer } = await terms.of(term));
      } catch (error) {
        throw unavailable(error);
      }
      await writer.commit(groups);
    },
    watch: (watcher) => tail.watch(watcher),
    status: () => ({
      reachable: session.state === 'connected' && tail.refusal === null,
      detail: `ZooKeeper at ${hosts}: ${tail.refusal?.message ?? sessionInWords(session)}`,
    }),
    async *backup({ version, now }) {
      try {
        yield* writeBackup(await headerOf(session, { version, now }), zookeeperRecords(session, tail));
      } catch (error) {
        throw unavailable(error);
      }
    },
    archive: createZooKeeperArchive({ session, pending: () => tail.pending, newestRuns }),
    checkpoint: () => terms.checkpoint(),
  };
}

async function headerOf(
  session: ZooKeeperSession,
  { version, now }: BackupTaken,
): Promise<Omit<BackupHeader, 'carillon'>> {
  const [installation, epoch, layout] = await session.getMany([
    paths.installation,
    paths.epoch,
    paths.layout,
  ]);
  return {
    version,
    takenAt: new Date(now).toISOString(),
    installation: installation?.data.toString() ?? '',
    store: 'zookeeper',
    term: epoch?.version ?? 0,
    format: Number(layout?.data.toString() ?? 1),
  };
}

function sessionInWords(session: ZooKeeperSession): string {
  const { state, generation } = session;
  const length = `${session.timeoutMs / 1_000} s`;
  if (state === 'connected')
    return `session ${generation} of ${length}, last response ${Math.round(session.silenceMs())} ms ago`;
  if (state === 'suspended') return `no connection, but the session of ${length} may still be valid`;
  return state === 'lost' ? 'the session has expired, and no server responds' : 'closed';
}

/** Creates the folders of a new installation; several nodes may do it at once. */
async function install({ session, hosts, known = null }: ZooKeeperStoreParts): Promise<void> {
  const layout = await session.get(paths.layout);
  if (layout !== null) {
    const format = Number(layout.data.toString());
    if (format > newestFormat)
      throw tooNew(
        `The installation in ZooKeeper at ${hosts} (format ${format}; newest known format: ${newestFormat})`,
        {
          field: 'zk',
          value: hosts,
        },
      );
    await refuseOpen(session, hosts);
    await makeTables(session);
    return;
  }
  if (await session.exists(paths.restoring)) {
    throw new CarillonError(
      'STORE_DAMAGED',
      `A restore into ZooKeeper at ${hosts} is running or was interrupted. Run it again: carillon restore FILE --zk ${hosts}`,
      { field: 'zk', value: hosts },
    );
  }
  if (known !== null) {
    throw new CarillonError(
      'STORE_DAMAGED',
      `ZooKeeper at ${hosts} contains no installation, but ${known} was there before. Nothing was ` +
        `changed. If its data is lost, restore a backup: carillon restore FILE --zk ${hosts}. To create ` +
        'a new installation, delete zookeeper.json in the data directory.',
      { field: 'zk', value: hosts },
    );
  }
  await refuseOthers(session, hosts);
  await claim(session, hosts);
  await makeFolders(session, randomUUID());
  // What was there already may be of others.
  await refuseOpen(session, hosts);
  await makeNode(session, paths.layout, '1');
}

/** The tables, with later log entries applied. */
async function* load(
  session: ZooKeeperSession,
  tail: Tail,
  clock: Clock,
  onLast: (job: string, endedAt: number) => void,
): AsyncIterable<readonly LoadedItem[]> {
  const share = createSharing();
  const { found, newer } = await patiently(clock, session, () => read(session, tail, share)).catch(
    (error: unknown) => {
      throw unavailable(error);
    },
  );
  // Values changed since are used as they are now, whichever of them the tables already had.
  for (const items of [...found.map((each) => each.filter((item) => !newer.isChanged(item))), newer.items]) {
    for (const { kind, value } of items) {
      const { latest, key } = presentKinds.get(kind) as PresentKind<unknown>;
      const at = latest?.(value) ?? null;
      if (at !== null) onLast(key(value), at);
    }
    if (items.length > 0) yield items;
  }
}

async function read(
  session: ZooKeeperSession,
  tail: Tail,
  share: Share,
): Promise<{ found: readonly LoadedItem[][]; newer: Newest }> {
  await session.sync();
  await tail.advance();
  const held = tail.pending;
  const found: LoadedItem[][] = [];
  const newer = await held.holding(async () => {
    for (const folder of presentFolders.keys())
      for await (const nodes of readTable(session, folder))
        found.push(
          nodes.flatMap(([key, json]) =>
            recordsIn(folder, key, json).map((record) => decodeLoaded(record, share)),
          ),
        );
    return newestOf(tail.pending);
  });
  // If the pending values were replaced during the read, they do not match the tables that were read.
  return held === tail.pending ? { found, newer } : read(session, tail, share);
}

/** What the log has since the tables were written. */
interface Newest {
  readonly items: LoadedItem[];
  readonly isChanged: (item: LoadedItem) => boolean;
}

function newestOf(pending: Pending): Newest {
  const newest = new Map([...presentKinds.keys()].map((kind) => [kind, pending.newest(kind)]));
  const there = [...newest].flatMap(([kind, values]) =>
    [...values].flatMap(([key, value]): StoredRecord[] => (value === null ? [] : [[kind, key, value]])),
  );
  return {
    items: there.map((record) => decodeLoaded(record)),
    isChanged: ({ kind, value }) => {
      const { key } = presentKinds.get(kind) as PresentKind<unknown>;
      return newest.get(kind)?.has(key(value)) ?? false;
    },
  };
}
