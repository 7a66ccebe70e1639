/**
 * The store of several nodes: a ZooKeeper ensemble. A commit is one transaction that checks the term and adds a
 * segment to the log; readable tables follow the log now and then. Every node follows the log and so holds what
 * the tables do not have yet.
 */

import { randomUUID } from 'node:crypto';
import { CarillonError } from '../../errors.ts';
import type { BackupTaken, Clock, LoadedItem, Log, Store } from '../../scheduler/ports.ts';
import { type BackupHeader, writeBackup } from '../backup-file.ts';
import {
  createSharing,
  decodeJob,
  decodeRun,
  decodeState,
  decodeStats,
  type Share,
  type Stored,
} from '../codec.ts';
import type { TermSource } from '../election-solo.ts';
import { createZooKeeperArchive } from './archive.ts';
import { zookeeperRecords } from './backup.ts';
import { Checkpoints } from './checkpoint.ts';
import { beginTerm } from './epoch.ts';
import { makeFolders, makeNode, refuseOthers } from './folders.ts';
import { NewestRuns } from './past-index.ts';
import { keyOf, LAYOUT, paths, shards } from './paths.ts';
import type { Pending } from './pending.ts';
import { readTable } from './read-table.ts';
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
    const head = await session.get(paths.head);
    if (head === null) throw new CarillonError('STORE_UNAVAILABLE', 'the installation in ZooKeeper is gone');
    const writer = new Writer({
      session,
      term,
      clock,
      log,
      head: { seq: Number(head.data.toString()), version: head.version },
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
      for (const shard of shards) {
        for (const name of await session.children(`/history/${shard}`)) index.add(keyOf(name));
      }
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
      reachable: session.state === 'connected',
      detail: `ZooKeeper at ${hosts}: ${sessionInWords(session)}`,
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
): Promise<Omit<BackupHeader, 'carillon' | 'format'>> {
  const [cluster, epoch] = await session.getMany([paths.cluster, paths.epoch]);
  return {
    version,
    takenAt: new Date(now).toISOString(),
    installation: cluster?.data.toString() ?? '',
    store: 'zookeeper',
    term: epoch?.version ?? 0,
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
    if (Number(layout.data.toString()) === LAYOUT) return;
    throw new CarillonError(
      'STORE_UNAVAILABLE',
      `the installation in ZooKeeper has layout ${layout.data.toString()}, this version reads ${LAYOUT}`,
    );
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
  await makeNode(session, paths.layout, String(LAYOUT));
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
    for (const item of items)
      if (item.kind === 'state' && item.state.last !== null) onLast(item.state.name, item.state.last.endedAt);
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
    for await (const nodes of readTable(session, 'jobs'))
      found.push(
        nodes.map(([name, json]) => ({ kind: 'job', job: decodeJob(name, JSON.parse(json), share) })),
      );
    for await (const nodes of readTable(session, 'state'))
      found.push(nodes.flatMap(([name, json]) => stateItems(name, JSON.parse(json))));
    for await (const nodes of readTable(session, 'runs'))
      found.push(nodes.map(([, json]) => ({ kind: 'run', run: decodeRun(JSON.parse(json)) })));
    return newestOf(tail.pending);
  });
  // Values that were followed from elsewhere than those held while reading do not go with what was read.
  return held === tail.pending ? { found, newer } : read(session, tail, share);
}

function stateItems(name: string, stored: Stored): LoadedItem[] {
  const { state, stats } = stored as { state?: Stored; stats?: Stored };
  return [
    ...(state === undefined ? [] : [{ kind: 'state', state: decodeState(name, state) } as const]),
    ...(stats === undefined ? [] : [{ kind: 'stats', stats: decodeStats(name, stats) } as const]),
  ];
}

/** What the log has since the tables were written. */
interface Newest {
  readonly items: LoadedItem[];
  readonly isChanged: (item: LoadedItem) => boolean;
}

function newestOf(pending: Pending): Newest {
  const jobs = pending.newest('jobs');
  const states = pending.newest('states');
  const stats = pending.newest('stats');
  const runs = pending.newest('runs');
  const there = (values: ReadonlyMap<string, Stored | null>): [string, Stored][] =>
    [...values].filter((each): each is [string, Stored] => each[1] !== null);
  return {
    items: [
      ...there(jobs).map(([name, stored]) => ({ kind: 'job', job: decodeJob(name, stored) }) as const),
      ...there(states).map(
        ([name, stored]) => ({ kind: 'state', state: decodeState(name, stored) }) as const,
      ),
      ...there(stats).map(([name, stored]) => ({ kind: 'stats', stats: decodeStats(name, stored) }) as const),
      ...there(runs).map(([, stored]) => ({ kind: 'run', run: decodeRun(stored) }) as const),
    ],
    isChanged: (item) => {
      if (item.kind === 'job') return jobs.has(item.job.name);
      if (item.kind === 'state') return states.has(item.state.name);
      if (item.kind === 'stats') return stats.has(item.stats.name);
      return runs.has(item.run.id);
    },
  };
}
