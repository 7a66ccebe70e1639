/**
 * Restores an installation in ZooKeeper from a backup. During the restore, and after an interruption, a node
 * says so and no scheduler starts; it is removed in the transaction that completes the installation. An
 * existing installation is never touched: the backup goes to another path.
 */

import { CarillonError } from '../../errors.ts';
import type { Clock, Log } from '../../scheduler/ports.ts';
import type { StoredRecord } from '../../scheduler/records/kind.ts';
import { changesOf, formatOf, goneRecord } from '../../scheduler/records/stored.ts';
import { inBatches } from '../batches.ts';
import { Checkpoints } from './checkpoint.ts';
import { makeFolders, makeNode, refuseOthers } from './folders.ts';
import { folderOf, folders, owned, paths } from './paths.ts';
import { Pending } from './pending.ts';
import { claim } from './protect.ts';
import { unavailable } from './tail.ts';
import { type Op, ZooKeeperError, type ZooKeeperSession } from './wire/session.ts';

/** Records per batch. */
const RECORDS = 10_000;
/** Operations per transaction. */
const MAX_OPS = 200;
/** Ephemeral: the restore in progress. */
const byPath = `${paths.restoring}/by`;

export interface ZooKeeperRestore {
  /** Already started. */
  readonly session: ZooKeeperSession;
  readonly hosts: string;
  readonly installation: string;
  /** The term to continue from. */
  readonly term: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** STORE_NOT_EMPTY, STORE_IN_USE, STORE_UNAVAILABLE. */
export async function restoreZooKeeper(
  restore: ZooKeeperRestore,
  records: AsyncIterable<readonly StoredRecord[]>,
): Promise<void> {
  try {
    await begin(restore);
    await make(restore, records);
  } catch (error) {
    throw unavailable(error);
  }
}

async function make(
  restore: ZooKeeperRestore,
  records: AsyncIterable<readonly StoredRecord[]>,
): Promise<void> {
  const { session, installation } = restore;
  const leftOver = ['log', 'election', ...folders].map((name) => `/${name}`);
  for (const path of [
    ...leftOver,
    paths.installation,
    paths.removed,
    paths.epoch,
    paths.head,
    paths.checkpoint,
  ])
    await removeAll(session, path);
  await makeFolders(session, installation);
  await raiseTerm(session, restore.term);
  const { seq, format } = await write(restore, records);
  await session.multi([
    { kind: 'set', path: paths.head, data: Buffer.from(String(seq)), version: null },
    { kind: 'create', path: paths.layout, data: Buffer.from(String(format)) },
    { kind: 'remove', path: byPath, version: null },
    { kind: 'remove', path: paths.restoring, version: null },
  ]);
}

async function begin({ session, hosts }: ZooKeeperRestore): Promise<void> {
  const isBegun = await session.exists(paths.restoring);
  if (!isBegun && ((await session.exists(paths.layout)) || (await session.exists(paths.installation)))) {
    throw new CarillonError(
      'STORE_NOT_EMPTY',
      `An installation already exists in ZooKeeper at ${hosts}. Restore into another path, such as ` +
        '--zk zk1:2181/carillon-2; the existing one is not changed.',
      { field: 'zk', value: hosts },
    );
  }
  if (!isBegun) await refuseOthers(session, hosts);
  await claim(session, hosts);
  await makeNode(session, paths.restoring);
  try {
    await session.create(byPath, new Uint8Array(), 'ephemeral');
  } catch (error) {
    if (!(error instanceof ZooKeeperError && error.code === 'NODE_EXISTS')) throw error;
    throw new CarillonError(
      'STORE_IN_USE',
      `A restore into ZooKeeper at ${hosts} is running, or was just interrupted. Run it again when its ` +
        'session has expired, in a few seconds.',
      { field: 'zk', value: hosts },
    );
  }
}

/** Removes what an interrupted restore left. */
async function removeAll(session: ZooKeeperSession, path: string): Promise<void> {
  if (!(await session.exists(path))) return;
  const names = await session.children(path);
  for (let at = 0; at < names.length; at += MAX_OPS) {
    const some = names.slice(at, at + MAX_OPS).map((name) => `${path}/${name}`);
    // Leaves of a batch are removed together; nodes with children one by one.
    await session
      .multi(some.map((each): Op => ({ kind: 'remove', path: each, version: null })))
      .catch(async (error: unknown) => {
        if (!(error instanceof ZooKeeperError && error.code === 'NOT_EMPTY')) throw error;
        for (const each of some) await removeAll(session, each);
      });
  }
  await session.multi([{ kind: 'remove', path, version: null }]);
}

/** The term is a version, which increases by one with each change. */
async function raiseTerm(session: ZooKeeperSession, term: number): Promise<void> {
  for (let left = term; left > 0; left -= MAX_OPS) {
    const set: Op = { kind: 'set', path: paths.epoch, data: Buffer.from('{}'), version: null };
    await session.multi(Array.from({ length: Math.min(left, MAX_OPS) }, () => set));
  }
}

/**
 * Writes the records to the tables, as checkpoints do. Returns the number of the last segment, and the format
 * they need.
 */
async function write(
  { session, term, clock, log }: ZooKeeperRestore,
  records: AsyncIterable<readonly StoredRecord[]>,
): Promise<{ seq: number; format: number }> {
  let pending = new Pending(0);
  let seq = 0;
  const checkpoints = new Checkpoints(term, { session, pending: () => pending, clock, log });
  let format = 1;
  const there = new Set<string>();
  const pasts = new Set<string>();
  const put = async (some: readonly StoredRecord[]): Promise<void> => {
    seq += 1;
    pending = new Pending(seq - 1);
    pending.take(seq, some);
    await checkpoints.write();
  };
  for await (const some of inBatches(records, RECORDS)) {
    format = Math.max(format, formatOf(some));
    for (const change of some.flatMap(changesOf)) {
      if (change.does === 'add') {
        if (folderOf(change.kind) === owned.folder) pasts.add(change.owner);
      } else if (change.kind === owned.of) {
        if (change.does === 'put') there.add(change.key);
        else there.delete(change.key);
      }
    }
    await put(some);
  }
  // The past of removed jobs is released in the end, from a list that only removals add to.
  await put([...pasts].filter((owner) => !there.has(owner)).map((owner) => goneRecord(owned.of, owner)));
  return { seq, format };
}
