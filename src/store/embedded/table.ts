/**
 * One table of the embedded store. A value is JSON text after a checksum over its key and itself, so that
 * data changed by the disk or someone else is refused and not misread. Values of layout 2 have none and are
 * read unchecked.
 */

import { crc32 } from 'node:zlib';
import type { Database, RangeOptions } from 'lmdb';
import type { CarillonError } from '../../errors.ts';

export type Key = string | readonly (string | number)[];

/** Precedes the checksum; no JSON text starts with it. */
const SEAL = '#';
const SEAL_LENGTH = 9;

interface Entry<V, K> {
  readonly key: K;
  readonly value: V;
}

export class Table<V, K extends Key> {
  readonly #name: string;
  readonly #db: Database<string, never>;
  readonly #damaged: (what: string) => CarillonError;

  /** `db` has the encoding 'string'. `damaged` creates the error from a description of the record. */
  constructor(name: string, db: Database<string, never>, damaged: (what: string) => CarillonError) {
    this.#name = name;
    this.#db = db;
    this.#damaged = damaged;
  }

  get(key: K): V | undefined {
    const text = this.#db.get(key as never);
    return text === undefined ? undefined : this.#open(key, text);
  }

  doesExist(key: K): boolean {
    return this.#db.doesExist(key as never);
  }

  putSync(key: K, value: V): void {
    const json = JSON.stringify(value);
    this.#db.putSync(key as never, `${SEAL}${checksum(key, json)}${json}`);
  }

  removeSync(key: K): void {
    this.#db.removeSync(key as never);
  }

  *getRange(range?: RangeOptions): Iterable<Entry<V, K>> {
    for (const { key, json } of this.getTexts(range)) yield { key, value: this.#parse(key, json) };
  }

  /** Values as JSON text, with their checksums verified. */
  *getTexts(range: RangeOptions = {}): Iterable<{ readonly key: K; readonly json: string }> {
    for (const { key, value } of this.#db.getRange(range)) yield { key, json: this.#unsealed(key, value) };
  }

  getKeys(range: RangeOptions): Iterable<K> {
    return this.#db.getKeys(range) as Iterable<K>;
  }

  #open(key: K, text: string): V {
    return this.#parse(key, this.#unsealed(key, text));
  }

  #unsealed(key: K, text: string): string {
    if (!text.startsWith(SEAL)) return text;
    const json = text.slice(SEAL_LENGTH);
    if (text.slice(SEAL.length, SEAL_LENGTH) === checksum(key, json)) return json;
    throw this.#isDamaged(key);
  }

  #parse(key: K, json: string): V {
    try {
      return JSON.parse(json) as V;
    } catch {
      throw this.#isDamaged(key);
    }
  }

  #isDamaged(key: K): CarillonError {
    return this.#damaged(`record ${JSON.stringify(key)} of table ${this.#name} is damaged`);
  }
}

function checksum(key: Key, json: string): string {
  const name = typeof key === 'string' ? key : key.join('\0');
  return crc32(json, crc32(name)).toString(16).padStart(8, '0');
}
