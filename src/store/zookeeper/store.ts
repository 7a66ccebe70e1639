/**
 * The store of several nodes: a ZooKeeper ensemble. A commit is one transaction that checks the term and adds a
 * segment to the log; readable tables follow the log now and then. Every node follows the log and so holds what
 * the tables do not have yet.
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
import { Checkpoints } from './checkpoint.ts';
import { beginTerm } from './epoch.ts';
import { makeFolders, makeNode, makeTables, refuseOthers } from './folders.ts';
import { NewestRuns } from './past-index.ts';
import { folderOf, paths, presentFolders } from './paths.ts';
import type { Pending } from './pending.ts';
import { namesIn, readTable, recordsIn } from './read-table.ts';
import { Tail, unavailable } from './tail.ts';
import { patiently } from './wire/patience.ts';
import type { ZooKeeperSession } from './wire/session.ts';
import { Writer } from './writer.ts';

/** What a segment of some tens of kilobytes holds; several are under way while one is being made durable. */
const limits = { maxWrites: 500, inFlight: 4 } as const;

export interface ZooKeeperStore extends Store, TermSource {
  /** Brings the tables up to the log at once; only while this node's term is the current one. */
  checkpoint(): Promise<void>;
}

export interface ZooKeeperStoreParts {
  readonly session: ZooKeeperSession;
  /** For people: where the ensemble is. */
  readonly hosts: string;
  /** The installation that this node found there before; where that is gone, none is made in its place. */
  readonly known?: string | null;
  readonly clock: Clock;
  readonly log: Log;
}

interface Term {
  readonly term: number;
  readonly writer: Writer;
  readonly checkpoints: Checkpoints;
}

export function createZooKeeperStore(parts: ZooKeeperStoreParts): ZooKeeperStore {
  const { session, hosts, clock, log } = parts;
  const tail = new Tail({ session, clock, log });
  let current: Promise<Term> | null = null;
  let currentTerm = 0;
  const index = new NewestRuns();
  /** The values that the index goes with. */
  let indexed: Pending | null = null;

  async function begin(term: number): Promise<Term> {
    const [head, layout] = await session.getMany([paths.head, paths.layout]);
    if (head == null) throw new CarillonError('STORE_UNAVAILABLE', 'the installation in ZooKeeper is gone');
    const writer = new Writer({
      session,
      term,
      clock,
      log,
      head: { seq: Number(head.data.toString()), version: head.version },
      format: Number(layout?.data.toString() ?? 1),
      checkpoint: () => tail.pending.checkpoint,
      onDurable: (seq, writes) => tail.own(seq, writes),
    });
    const checkpoints = new Checkpoints(term, { session, pending: () => tail.pending, clock, log });
    checkpoints.start();
    return { term, writer, checkpoints };
  }

  async function end(ending: Promise<Term> | null): Promise<void> {
    await (await ending?.catch(() => null))?.checkpoints.stop();
  }

  /** One writer for each term, however many commits ask for it at once. */
  function termOf(term: number): Promise<Term> {
    if (current !== null && currentTerm === term) return current;
    currentTerm = term;
    const begun = end(current).then(() => begin(term));
    current = begun;
    begun.catch(() => {
      if (current === begun) current = null;
    });
    return begun;
  }

  /** Of all jobs with a past, what is known of their newest runs; kept up as runs end. */
  async function newestRuns(): Promise<NewestRuns> {
    if (indexed !== tail.pending) {
      const pending = tail.pending;
      // After a gap it is not known whose runs ended in it.
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
        await patiently(clock, async () => {
          await install(parts);
          await tail.start();
        });
      } catch (error) {
        // What is not open holds no session, and so lets its process end.
        tail.stop();
        await session.close();
        throw unavailable(error);
      }
    },
    async close() {
      await end(current);
      current = null;
      tail.stop();
      await session.close();
    },
    async cluster() {
      const node = await patiently(clock, () => session.get(paths.cluster));
      return node?.data.toString() ?? '';
    },
    campaign: async () => (await beginTerm(session, {}, null)) ?? 0,
    load: () => load(session, tail, clock, (job, at) => index.endedBy(job, at)),
    async commit(term, groups) {
      let writer: Writer;
      try {
        ({ writer } = await termOf(term));
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
    async checkpoint() {
      await (await current)?.checkpoints.write();
    },
  };
}

async function headerOf(
  session: ZooKeeperSession,
  { version, now }: BackupTaken,
): Promise<Omit<BackupHeader, 'carillon'>> {
  const [cluster, epoch, layout] = await session.getMany([paths.cluster, paths.epoch, paths.layout]);
  return {
    version,
    takenAt: new Date(now).toISOString(),
    installation: cluster?.data.toString() ?? '',
    store: 'zookeeper',
    term: epoch?.version ?? 0,
    format: Number(layout?.data.toString() ?? 1),
  };
}

function sessionInWords(session: ZooKeeperSession): string {
  const { state, generation } = session;
  const length = `${session.timeoutMs / 1_000} s`;
  if (state === 'connected')
    return `session ${generation} of ${length}, heard of ${Math.round(session.silenceMs())} ms ago`;
  if (state === 'suspended') return `no connection, the session of ${length} may live`;
  return state === 'lost' ? 'the session has ended, and no server answers' : 'closed';
}

/** Makes the folders of a new installation; several nodes may do it at once. */
async function install({ session, hosts, known = null }: ZooKeeperStoreParts): Promise<void> {
  const layout = await session.get(paths.layout);
  if (layout !== null) {
    const format = Number(layout.data.toString());
    if (format > newestFormat)
      throw tooNew(
        `The installation in ZooKeeper at ${hosts} (format ${format}; newest known: ${newestFormat})`,
        {
          field: 'zk',
          value: hosts,
        },
      );
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
      `ZooKeeper at ${hosts} holds no installation, and ${known} was there before. Nothing was changed. If its data is lost, restore a backup: carillon restore FILE --zk ${hosts}. If a new installation is meant, delete zookeeper.json in the data directory.`,
      { field: 'zk', value: hosts },
    );
  }
  await refuseOthers(session, hosts);
  await makeFolders(session, randomUUID());
  await makeNode(session, paths.layout, '1');
}

/** What the tables have, with what the log has since in its place. */
async function* load(
  session: ZooKeeperSession,
  tail: Tail,
  clock: Clock,
  onLast: (job: string, endedAt: number) => void,
): AsyncIterable<readonly LoadedItem[]> {
  const share = createSharing();
  const { found, newer } = await patiently(clock, () => read(session, tail, share)).catch(
    (error: unknown) => {
      throw unavailable(error);
    },
  );
  // What changed since is taken as it is now, whichever of it the tables had already.
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
  // Values that were followed from elsewhere than those held while reading do not go with what was read.
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
