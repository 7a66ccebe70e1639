/**
 * The tables of the embedded store. Values are JSON text, each readable by itself: a binary form with a
 * separate dictionary would lose them all with a dictionary whose transaction failed.
 */

import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { CarillonError } from '../../errors.ts';
import type { Place, Stored } from '../../scheduler/records/kind.ts';
import { pastKinds, presentKinds } from '../../scheduler/records/stored.ts';
import type { PastName, PresentName } from '../../scheduler/records/table.ts';
import { type Key, Table } from './table.ts';

/**
 * The layout in `meta` is the format of the records plus two. 2 was format 1 without checksums; such a
 * directory is read as it is, and gets 3 when it is opened.
 */
const LAYOUT_BEFORE_FORMATS = 2;
export const layoutOf = (format: number): number => LAYOUT_BEFORE_FORMATS + format;
export const UNSEALED_LAYOUT = LAYOUT_BEFORE_FORMATS;

/** By past kind, in the order of `countedKinds`: number of records of an owner. */
export type Counts = number[];

export type PastKey = [owner: string, ...place: Place];

/** Indexes of a listed kind, over all owners by position and by key. */
export interface Index {
  /** Position → owner. */
  readonly byPlace: Table<string, Place>;
  /** Key → owner, and the parts of the position before it. */
  readonly byKey: Table<PastKey, string>;
}

/** One table per kind of record. Keys of several parts sort part by part. */
export interface Tables {
  readonly meta: Database<unknown, string>;
  readonly present: ReadonlyMap<PresentName, Table<Stored, string>>;
  /** Without records that are implied by a present record; see `newestIn`. */
  readonly past: ReadonlyMap<PastName, Table<Stored, PastKey>>;
  readonly indexes: ReadonlyMap<PastName, Index>;
  /** Stored with what they count, so that limits need no scan after a restart and no memory. */
  readonly counts: Table<Counts, string>;
}

/** Numbered records need no count. */
export const countedKinds: readonly PastName[] = [...pastKinds]
  .filter(([, { isNumbered }]) => isNumbered !== true)
  .map(([name]) => name);

export function openRoot(dir: string): RootDatabase {
  const root = open({
    path: dir,
    noSubdir: false,
    maxDbs: 64,
    // A commit resolves when it is on disk, not when it is only in the page cache.
    overlappingSync: false,
    compression: false,
    // A commit is already one transaction. Nothing awaits the promise of a turn's batch, and its rejection on
    // a full disk would end the process.
    eventTurnBatching: false,
  });
  // The library makes them readable for all. They hold the keys that sign sessions, and a copy keeps their mode.
  for (const file of ['data.mdb', 'lock.mdb']) chmodSync(join(dir, file), 0o600);
  return root;
}

/** `damaged` creates the error for a record that cannot be read. */
export function openTables(root: RootDatabase, damaged: (what: string) => CarillonError): Tables {
  const table = <V, K extends Key>(name: string): Table<V, K> =>
    new Table(name, root.openDB({ name, encoding: 'string' }), damaged);
  const indexed = [...pastKinds].flatMap(([name, { listed }]) =>
    listed === undefined ? [] : [[name, listed] as const],
  );
  return {
    // Only numbers and text, in the encoding that every layout has used, because the layout itself is read
    // from here.
    meta: root.openDB({ name: 'meta', encoding: 'msgpack' }),
    present: new Map([...presentKinds].map(([name, kind]) => [name, table(kind.table)])),
    past: new Map([...pastKinds].map(([name, kind]) => [name, table(kind.table)])),
    indexes: new Map(
      indexed.map(([name, { byPlace, byKey }]) => [name, { byPlace: table(byPlace), byKey: table(byKey) }]),
    ),
    counts: table('counts'),
  };
}
