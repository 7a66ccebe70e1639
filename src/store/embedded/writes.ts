/**
 * Writes one commit's records to the embedded store, inside its transaction: each goes to its tables, and
 * owners above their limit are trimmed. Counts are written by `finish`, in the same transaction.
 */

import type { PastKind, Place, Stored, StoredRecord } from '../../scheduler/records/kind.ts';
import {
  type Change,
  changesOf,
  firstKept,
  impliedBy,
  newest,
  pastKinds,
} from '../../scheduler/records/stored.ts';
import type { PastName, PresentName } from '../../scheduler/records/table.ts';
import { LAST } from '../archive.ts';
import { SLACK } from '../bounds.ts';
import type { Table } from './table.ts';
import { type Counts, countedKinds, type PastKey, type Tables } from './tables.ts';

/** Records that are too old, removed for each one that is added. */
const OLD_AT_ONCE = 100;

type Added = Extract<Change, { does: 'add' }>;

/** Past kinds whose newest record is implied by a present record, by the kind of that record. */
const impliedIn: ReadonlyMap<string, PastName> = new Map(
  [...pastKinds].flatMap(([name, { newestIn }]) =>
    newestIn === undefined ? [] : [[newestIn, name] as const],
  ),
);

export interface CommitWrites {
  apply(record: StoredRecord): void;
  /** For a restore: records of other stores, which may exceed this store's limits. */
  restore(record: StoredRecord): void;
  finish(): void;
}

/** `keepMs`: how long the past of kinds with an age is kept. Default: that of each kind. */
export function createCommitWrites(tables: Tables, keepMs?: number): CommitWrites {
  const writes = createPastWrites(tables, keepMs);
  const presentTable = (kind: PresentName) => tables.present.get(kind) as Table<Stored, string>;

  /** The past record implied by an existing present one. */
  function impliedNow(kind: PresentName, key: string): StoredRecord | null {
    if (!impliedIn.has(kind)) return null;
    const value = presentTable(kind).get(key);
    return value === undefined ? null : impliedBy(newest([kind, key, value]));
  }

  /**
   * A present record is replaced or removed: writes the past record that it implied, unless the new one
   * implies the same.
   */
  function retire(kind: PresentName, key: string, next: Added | null): void {
    const past = impliedIn.get(kind);
    if (past === undefined) return;
    const before = impliedNow(kind, key);
    if (before === null) {
      // The list starts again.
      if (next?.place[0] === 1) writes.removeFirst(past, key);
    } else if (before[3] !== next?.place[0])
      for (const change of changesOf(before)) if (change.does === 'add') writes.add(change);
  }

  function applyAll(record: StoredRecord): void {
    const changes = changesOf(record);
    const isImplied = (change: Change): change is Added =>
      change.does === 'add' && impliedIn.get(record[0]) === change.kind;
    for (const change of changes) {
      if (change.does === 'put') {
        retire(change.kind, change.key, changes.find(isImplied) ?? null);
        presentTable(change.kind).putSync(change.key, change.value);
      } else if (change.does === 'remove') {
        retire(change.kind, change.key, null);
        presentTable(change.kind).removeSync(change.key);
      } else if (!isImplied(change)) writes.add(change);
    }
  }

  return {
    apply: applyAll,
    restore(record) {
      const [name, key] = record;
      const { newestIn } = pastKinds.get(name as PastName) ?? {};
      // Already implied by an existing record.
      if (newestIn !== undefined && impliedNow(newestIn as PresentName, key)?.[3] === record[3]) return;
      applyAll(record);
      const past = impliedIn.get(name);
      const implied = past === undefined ? null : impliedBy(record);
      if (implied !== null) writes.removeAt(past as PastName, [key, implied[3] as number]);
    },
    finish: writes.writeCounts,
  };
}

/** Writes to the tables of the past, which keep a limited number of records for each owner. */
function createPastWrites(tables: Tables, keepMs: number | undefined) {
  const counts = new Map<string, Counts>();
  const pastTable = (kind: PastName) => tables.past.get(kind) as Table<Stored, PastKey>;
  const kindOf = (kind: PastName) => pastKinds.get(kind) as PastKind<unknown>;

  function removePast(kind: PastName, key: PastKey): void {
    const [, ...place] = key;
    pastTable(kind).removeSync(key);
    const index = tables.indexes.get(kind);
    index?.byPlace.removeSync(place);
    index?.byKey.removeSync(String(place.at(-1)));
  }

  /** The first `limit` of an owner's records, or all. */
  function removeFirst(kind: PastName, owner: string, limit?: number): void {
    const range = { start: [owner], end: [owner, LAST], ...(limit === undefined ? {} : { limit }) };
    for (const key of [...pastTable(kind).getKeys(range as never)]) removePast(kind, key);
  }

  /** Counts one more, and trims the oldest when the limit is exceeded. */
  function grow(kind: PastName, owner: string): void {
    const own = counts.get(owner) ?? tables.counts.get(owner) ?? [];
    counts.set(owner, own);
    const at = countedKinds.indexOf(kind);
    // Earlier releases count fewer kinds.
    while (own.length < countedKinds.length) own.push(0);
    const { keep } = kindOf(kind);
    const count = (own[at] as number) + 1;
    own[at] = count;
    if (count <= keep * (1 + SLACK)) return;
    removeFirst(kind, owner, count - keep);
    own[at] = keep;
  }

  /** What is too old beside the record at this position, a few at a time. */
  function removeOld(kind: PastName, owner: string, place: Place): void {
    const first = firstKept(kindOf(kind), place, keepMs);
    if (first === null) return;
    const range = { start: [owner], end: [owner, first], limit: OLD_AT_ONCE };
    const old = [...pastTable(kind).getKeys(range as never)];
    if (old.length === 0) return;
    for (const key of old) removePast(kind, key);
    const own = counts.get(owner) ?? tables.counts.get(owner) ?? [];
    const at = countedKinds.indexOf(kind);
    counts.set(owner, own);
    own[at] = Math.max(0, (own[at] ?? 0) - old.length);
  }

  function add({ kind, key, owner, place, value }: Added): void {
    const { isNumbered, keep } = kindOf(kind);
    const at: PastKey = [owner, ...place];
    const index = tables.indexes.get(kind);
    // A key has one position: an existing one is the same record, written again.
    const isNew = isNumbered !== true && !(index?.byKey.doesExist(key) ?? pastTable(kind).doesExist(at));
    pastTable(kind).putSync(at, value);
    index?.byPlace.putSync(place, owner);
    index?.byKey.putSync(key, at.slice(0, -1) as unknown as PastKey);
    if (isNew) grow(kind, owner);
    removeOld(kind, owner, place);
    // One is removed for each that is added.
    if (isNumbered) pastTable(kind).removeSync([owner, (place[0] as number) - keep]);
  }

  return {
    add,
    removeFirst,
    /** The count and the indexes stay. */
    removeAt: (kind: PastName, key: PastKey) => void pastTable(kind).removeSync(key),
    writeCounts(): void {
      for (const [owner, own] of counts) tables.counts.putSync(owner, own);
    },
  };
}
