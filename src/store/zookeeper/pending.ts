/**
 * Values that the log has and the tables do not have yet, in memory on every node: the newest value of each
 * item, and each job's newest past. Kept in generations, so that those covered by a checkpoint can be
 * released. Keeping more than needed is harmless, because writing the same value twice changes nothing.
 */

import type { PastKind, Stored, StoredRecord } from '../../scheduler/records/kind.ts';
import { changesOf, pastKinds, pastRecord } from '../../scheduler/records/stored.ts';
import type { PastName, PresentName } from '../../scheduler/records/table.ts';
import { comparePlaces } from '../archive.ts';
import type { Place } from '../cursor.ts';
import { folderOf } from './paths.ts';

/** Past records of an owner, by kind and the last part of their positions. */
export type Past = Map<PastName, Map<number | string, StoredRecord>>;

/** The newest value of each item. Null: removed. */
type Values = Map<string, Stored | null>;

/** By folder and owner. */
type Pasts = Map<string, Map<string, Past>>;

export class Generation {
  readonly present = new Map<PresentName, Values>();
  readonly pasts: Pasts = new Map();
  /** The newest segment in it. */
  seq: number;
  writes = 0;

  constructor(seq: number) {
    this.seq = seq;
  }

  past(folder: string, owner: string): Past {
    return madeIn(madeIn(this.pasts, folder), owner);
  }

  take(seq: number, writes: readonly StoredRecord[]): void {
    this.seq = seq;
    this.writes += writes.length;
    for (const write of writes) this.#apply(write);
  }

  #apply(record: StoredRecord): void {
    for (const change of changesOf(record)) {
      if (change.does === 'add') {
        const { kind, key, owner, place, value } = change;
        addRecord(this.past(folderOf(kind), owner), kind, pastRecord(kind, key, place, value));
      } else madeIn(this.present, change.kind).set(change.key, change.does === 'put' ? change.value : null);
    }
  }
}

/** The map under the key, created if absent. */
function madeIn<K, In, V>(maps: Map<K, Map<In, V>>, key: K): Map<In, V> {
  let map = maps.get(key);
  if (map === undefined) {
    map = new Map<In, V>();
    maps.set(key, map);
  }
  return map;
}

export function addRecord(past: Past, kind: PastName, record: StoredRecord): void {
  const { place, isNumbered } = pastKinds.get(kind) as PastKind<unknown>;
  const records = madeIn(past, kind);
  const id = place(record).at(-1) as number | string;
  // Numbers continue after a removal. If they restart, the past was dropped.
  if (isNumbered && id === 1) records.clear();
  records.set(id, record);
}

/** Merges newer records over older ones. */
export function mergePast(older: Past, newer: Past): Past {
  for (const [kind, records] of newer) for (const record of records.values()) addRecord(older, kind, record);
  return older;
}

/** A generation is closed after this many writes, so that a checkpoint frees memory in steps. */
const GENERATION_WRITES = 20_000;

export class Pending {
  /** By job, the position of its newest run among those that ended since the last call. */
  #newest = new Map<string, Place>();
  #generations: Generation[];
  #held = 0;
  #checkpoint: number;

  constructor(checkpoint: number) {
    this.#checkpoint = checkpoint;
    this.#generations = [new Generation(checkpoint)];
  }

  get checkpoint(): number {
    return this.#checkpoint;
  }

  get writes(): number {
    return this.#generations.reduce((sum, each) => sum + each.writes, 0);
  }

  take(seq: number, writes: readonly StoredRecord[]): void {
    const newest = this.#generations.at(-1) as Generation;
    newest.take(seq, writes);
    for (const record of writes) {
      const kind = pastKinds.get(record[0] as PastName);
      if (kind?.listed === undefined) continue;
      const owner = kind.owner(record);
      const place = kind.place(record) as Place;
      const before = this.#newest.get(owner);
      if (before === undefined || comparePlaces(before, place) < 0) this.#newest.set(owner, place);
    }
    if (newest.writes >= GENERATION_WRITES) this.#generations.push(new Generation(seq));
  }

  /** Jobs whose runs ended since the last call, with their position in the list of all runs. */
  takeNewest(): ReadonlyMap<string, Place> {
    const taken = this.#newest;
    this.#newest = new Map();
    return taken;
  }

  /** Everything kept now, oldest first; later values go to newer generations. */
  close(): readonly Generation[] {
    const closed = [...this.#generations];
    this.#generations.push(new Generation((closed.at(-1) as Generation).seq));
    return closed;
  }

  /** The tables have everything up to here. */
  reached(checkpoint: number): void {
    if (checkpoint <= this.#checkpoint) return;
    this.#checkpoint = checkpoint;
    this.#letGo();
    // Later values are released by the next checkpoint.
    if ((this.#generations.at(-1) as Generation).writes > 0) this.close();
  }

  /** Releases nothing while tables are being read: they may be read before a checkpoint updates them. */
  async holding<T>(read: () => Promise<T>): Promise<T> {
    this.#held += 1;
    try {
      return await read();
    } finally {
      this.#held -= 1;
      this.#letGo();
    }
  }

  #letGo(): void {
    if (this.#held > 0) return;
    const last = this.#generations.at(-1) as Generation;
    this.#generations = this.#generations.filter((each) => each === last || each.seq > this.#checkpoint);
  }

  /** The newest values of one kind. Null: removed. */
  newest(kind: PresentName): ReadonlyMap<string, Stored | null> {
    return newestOf(this.#generations, kind);
  }

  /** The owner's past, merged over the stored one. */
  overlay(folder: string, owner: string, stored: Past): Past {
    for (const { pasts } of this.#generations) {
      const past = pasts.get(folder)?.get(owner);
      if (past !== undefined) mergePast(stored, past);
    }
    return stored;
  }
}

export function newestOf(
  generations: readonly Generation[],
  kind: PresentName,
): ReadonlyMap<string, Stored | null> {
  const newest: Values = new Map();
  for (const { present } of generations)
    for (const [key, value] of present.get(kind) ?? []) newest.set(key, value);
  return newest;
}
