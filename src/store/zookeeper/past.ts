/**
 * A job's past as nodes: one that is rewritten as the job runs, and sealed pieces below it that are not. A
 * busy job thus costs a small write per checkpoint, and the total size is bounded.
 */

import { nextRound } from '../../loop-round.ts';
import type { PastKind, Place, StoredRecord } from '../../scheduler/records/kind.ts';
import { firstKept, newest, pastKinds } from '../../scheduler/records/stored.ts';
import type { PastName } from '../../scheduler/records/table.ts';
import { comparePlaces } from '../archive.ts';
import { pack, unpack } from '../segment.ts';
import { fieldOf, pastFolders, tablePath } from './paths.ts';
import { addRecord, mergePast, type Past } from './pending.ts';
import type { NodeData, Op, ZooKeeperSession } from './wire/session.ts';

/** Runs and ledger entries, taken together, in a node before they are sealed into pieces of at most this many of each. */
const SEAL_AT = 200;
/** Maximum sealed pieces of a job; the oldest is removed. */
const MAX_PIECES = 32;
/** A node that would be larger, compressed, is sealed too. With a portion it stays below ZooKeeper's limit of 1 MB. */
const SEAL_BYTES = 256 * 1024;
/** What is added to an owner's nodes in one transaction, as text. */
const PORTION_BYTES = 128 * 1024;
/** What is rewritten of one kind, as text. */
const REWRITTEN_BYTES = 128 * 1024;
/** Maximum for all jobs: servers keep everything in memory, and a piece is some ten kilobytes. */
const MAX_PIECES_OF_ALL = 32_768;
/** By field: values that contain their key, or pairs of the addition to the key and the value. */
interface StoredPast {
  readonly [field: string]: readonly unknown[];
}

/** Nodes decoded before other work gets its turn. */
const PORTION = 8;

const piecePath = (folder: string, owner: string, piece: number): string =>
  `${tablePath(folder, owner)}/${piece}`;

/** Numbers of the sealed pieces of a node, oldest first. */
const piecesIn = ({ pieces = [] }: StoredPast): readonly number[] => pieces as number[];

/** The owners' past in the tables, in their order. */
export async function readPasts(
  session: ZooKeeperSession,
  folder: string,
  owners: readonly string[],
): Promise<Past[]> {
  const nodes = await session.getMany(owners.map((owner) => tablePath(folder, owner)));
  const stored: StoredPast[] = [];
  for (const node of nodes) {
    stored.push(read(node));
    if (stored.length % PORTION === 0) await nextRound();
  }
  const pieces = stored.flatMap((each, i) =>
    piecesIn(each).map((piece) => ({ i, path: piecePath(folder, owners[i] as string, piece) })),
  );
  const found = await session.getMany(pieces.map(({ path }) => path));
  const pasts = owners.map((): Past => new Map());
  for (const [at, { i }] of pieces.entries()) {
    mergePast(pasts[i] as Past, toPast(folder, owners[i] as string, read(found[at] ?? null)));
    await nextRound();
  }
  for (const [i, each] of stored.entries())
    mergePast(pasts[i] as Past, toPast(folder, owners[i] as string, each));
  return pasts;
}

/** The same node by node, older ones of an owner first: decoding a busy job at once takes long. */
export async function* readPastNodes(
  session: ZooKeeperSession,
  folder: string,
  owners: readonly string[],
): AsyncGenerator<Past> {
  const nodes = await session.getMany(owners.map((owner) => tablePath(folder, owner)));
  for (const [i, owner] of owners.entries()) {
    const newest = read(nodes[i] ?? null);
    const pieces = await session.getMany(piecesIn(newest).map((piece) => piecePath(folder, owner, piece)));
    for (const piece of pieces) yield toPast(folder, owner, read(piece));
    yield toPast(folder, owner, newest);
  }
}

/** Maximum sealed pieces per owner for this number of owners. */
export const piecesFor = (owners: number): number =>
  Math.min(MAX_PIECES, Math.floor(MAX_PIECES_OF_ALL / Math.max(1, owners)));

/** The oldest sealed pieces of these owners, where their age decides whether they stay. */
export async function oldestPieces(
  session: ZooKeeperSession,
  folder: string,
  nodes: readonly (readonly [owner: string, node: NodeData | null])[],
): Promise<readonly (NodeData | null)[]> {
  if (!(pastFolders.get(folder) ?? []).some(([, { age }]) => age !== undefined)) return nodes.map(() => null);
  const oldest = nodes.map(([owner, node]) => {
    const [piece] = piecesIn(read(node));
    return piece === undefined ? null : piecePath(folder, owner, piece);
  });
  const found = await session.getMany(oldest.filter((path) => path !== null));
  return oldest.map((path) => (path === null ? null : (found.shift() ?? null)));
}

/** The past in parts that are small enough for a transaction each, older records first and all kinds alike. */
export function inPortions(past: Past): Past[] {
  const records = [...past].flatMap(([name, records]) =>
    inOrder(name, records).map((record, i) => ({ name, record, share: i / records.size })),
  );
  const portions: Past[] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const { name, record } of records.sort((a, b) => a.share - b.share)) {
    size += sizeOf(record);
    if (size > PORTION_BYTES) {
      portions.push(new Map());
      size = sizeOf(record);
    }
    addRecord(portions.at(-1) as Past, name, record);
  }
  return portions;
}

export interface Grown {
  /** The existing node. */
  readonly node: NodeData | null;
  readonly newer: Past;
  readonly maxPieces: number;
  /** The oldest piece; see `oldestPieces`. */
  readonly oldest?: NodeData | null;
  /** How long the past of kinds with an age is kept. Default: that of each kind. */
  readonly keepMs?: number | undefined;
}

/** The writes that add newer records to the owner's nodes. */
export function addToPast(folder: string, owner: string, grown: Grown): Op[] {
  const { node, newer, maxPieces, oldest = null, keepMs } = grown;
  const path = tablePath(folder, owner);
  const there = read(node);
  const all = piecesIn(there);
  const isOld = oldest !== null && isOutdated(toPast(folder, owner, read(oldest)), newer, keepMs);
  const pieces = isOld ? all.slice(1) : all;
  const past = mergePast(toPast(folder, owner, there), newer);
  const sealed: [PastName, StoredRecord[]][] = [];
  const rewritten: [PastName, StoredRecord[]][] = [];
  for (const [name, kind] of pastFolders.get(folder) ?? []) {
    const records = inOrder(name, past.get(name) ?? new Map());
    if (kind.rewritten === undefined) sealed.push([name, notOld(kind, records, keepMs)]);
    else rewritten.push([name, newestOf(records, kind.rewritten, REWRITTEN_BYTES)]);
  }
  const packed = (records: [PastName, readonly StoredRecord[]][], left: readonly number[]): Buffer =>
    pack({ ...toStored(folder, [...records, ...rewritten]), pieces: left });
  const put = (data: Buffer): Op =>
    node === null ? { kind: 'create', path, data } : { kind: 'set', path, data, version: null };
  const gone = (left: readonly number[]): Op[] =>
    all
      .filter((piece) => !left.includes(piece))
      .map((piece) => ({ kind: 'remove', path: piecePath(folder, owner, piece), version: null }));
  const length = sealed.reduce((sum, [, records]) => sum + records.length, 0);
  const whole = length < SEAL_AT ? packed(sealed, pieces) : null;
  if (whole !== null && (length === 0 || whole.length < SEAL_BYTES)) return [put(whole), ...gone(pieces)];
  if (maxPieces === 0 && pieces.length === 0) {
    const half = sealed.map(([name, records]): [PastName, StoredRecord[]] => [
      name,
      newestOf(records, SEAL_AT / 2, SEAL_BYTES / 2),
    ]);
    return [put(packed(half, pieces)), ...gone(pieces)];
  }
  // As few as possible: the number of pieces is what limits how much is kept.
  const needed = Math.max(...sealed.map(([, records]) => Math.ceil(records.length / SEAL_AT)));
  const count = Math.min(Math.max(1, maxPieces), needed);
  const fresh = Array.from({ length: count }, (_, i) => ({
    number: (all.at(-1) ?? 0) + 1 + i,
    value: toStored(
      folder,
      sealed.map(([name, records]) => [name, share(records, i, count)]),
    ),
  }));
  const left = [...pieces, ...fresh.map(({ number }) => number)].slice(-Math.max(1, maxPieces));
  return [
    put(
      packed(
        sealed.map(([name]) => [name, []]),
        left,
      ),
    ),
    ...fresh.map(
      ({ number, value }): Op => ({
        kind: 'create',
        path: piecePath(folder, owner, number),
        data: pack(value),
      }),
    ),
    ...gone(left),
  ];
}

function inOrder(name: PastName, records: ReadonlyMap<number | string, StoredRecord>): StoredRecord[] {
  const { place } = pastKinds.get(name) as PastKind<unknown>;
  return [...records.values()].sort((a, b) => comparePlaces(place(a), place(b)));
}

const sizeOf = ([, , value]: StoredRecord): number => Buffer.byteLength(JSON.stringify(value));

/** The newest of records in order: at most `most`, of at most `bytes` as text, and at least one. */
function newestOf(records: readonly StoredRecord[], most: number, bytes: number): StoredRecord[] {
  const kept: StoredRecord[] = [];
  let size = 0;
  for (const record of records.slice(-most).reverse()) {
    size += sizeOf(record);
    if (size > bytes && kept.length > 0) break;
    kept.push(record);
  }
  return kept.reverse();
}

/** Records in order, without those that are too old beside the last. */
function notOld(
  kind: PastKind<unknown>,
  records: readonly StoredRecord[],
  keepMs: number | undefined,
): StoredRecord[] {
  const last = records.at(-1);
  const first = last === undefined ? null : firstKept(kind, kind.place(last), keepMs);
  return records.filter((record) => first === null || (kind.place(record)[0] as Place[number]) >= first);
}

/** Whether all of a piece is too old beside newer records. */
function isOutdated(piece: Past, newer: Past, keepMs: number | undefined): boolean {
  return [...piece].every(([name, records]) => {
    const kind = pastKinds.get(name) as PastKind<unknown>;
    const places = [...(newer.get(name)?.values() ?? [])].map((record) => kind.place(record));
    const last = places.sort(comparePlaces).at(-1);
    const first = last === undefined ? null : firstKept(kind, last, keepMs);
    return [...records.values()].every(
      (record) => first !== null && (kind.place(record)[0] as Place[number]) < first,
    );
  });
}

/** The writes that remove the owner's past. */
export function removePast(folder: string, owner: string, node: NodeData | null): Op[] {
  if (node === null) return [];
  const pieces = piecesIn(read(node)).map((piece) => piecePath(folder, owner, piece));
  return [...pieces, tablePath(folder, owner)].map((path) => ({ kind: 'remove', path, version: null }));
}

/** The i-th of `count` equal shares of the newest records that fit into so many pieces. */
function share<T>(all: readonly T[], i: number, count: number): readonly T[] {
  const newest = all.slice(-count * SEAL_AT);
  const each = Math.ceil(newest.length / count);
  return newest.slice(i * each, (i + 1) * each);
}

const read = (node: NodeData | null): StoredPast =>
  node === null ? {} : (unpack(node.data) as unknown as StoredPast);

function toPast(folder: string, owner: string, stored: StoredPast): Past {
  const past: Past = new Map();
  for (const [name, kind] of pastFolders.get(folder) ?? []) {
    for (const each of stored[fieldOf(kind)] ?? []) {
      const record =
        kind.named === undefined ? [name, owner, ...pair(each)] : [name, keyIn(each, kind.named), each];
      addRecord(past, name, newest(record as unknown as StoredRecord));
    }
  }
  return past;
}

const pair = (each: unknown): unknown[] => {
  const [more, value] = each as [unknown, unknown];
  return [value, more];
};
const keyIn = (each: unknown, field: string): unknown => (each as Record<string, unknown>)[field];

function toStored(
  folder: string,
  kinds: readonly (readonly [PastName, readonly StoredRecord[]])[],
): StoredPast {
  const byName = new Map(kinds);
  const stored: Record<string, unknown[]> = {};
  for (const [name, kind] of pastFolders.get(folder) ?? []) {
    const records = byName.get(name);
    if (records === undefined) continue;
    stored[fieldOf(kind)] = records.map(([, , value, more]) =>
      kind.named === undefined ? [more, value] : value,
    );
  }
  return stored;
}
