/**
 * What a kind of record is: how its values are named, stored and read, where they lie, and how many are kept. The kinds
 * themselves are in table.ts. Stores, followers, backups and the simulator work from them and know no kind by name.
 */

import { CarillonError, type ErrorDetails } from '../../errors.ts';

/** A stored value: JSON, shorter than the domain's. */
export type Stored = Record<string, unknown>;

/** Makes equal parts one object in memory; see `createSharing`. */
export type Share = <T>(part: T) => T;

/** Orders the records of one owner. The last part alone is unique among them. */
export type Place = readonly (number | string)[];

/** `more` is what the kind adds to the key: the number of a revision, the first instant of a ledger entry. */
export type StoredRecord = readonly [kind: string, key: string, value: Stored, more?: number | string];

/** Makes a stored value of the next version. Pure; `older` becomes part of the result. */
export type Step = (older: Stored) => Stored;

export interface Kind<V> {
  /** The store format that first had the newest version of this kind; see `formatOf`. */
  readonly since: number;
  /** The first makes version 2 from version 1. So a kind's version is one more than it has steps. */
  readonly steps: readonly Step[];
  key(value: V): string;
  more?(value: V): number | string;
  encode(value: V): Stored;
  /** `value` becomes part of the result. */
  decode(record: StoredRecord, share: Share): V;
  /** Present records of the same key that are gone with this one. */
  readonly removes?: readonly string[];
  /** A past record that this one implies, so that it is not written twice. */
  also?(record: StoredRecord): StoredRecord;
  /** The leader's clock when it decided the value. */
  decidedAt?(value: V): number | undefined;
}

/** Names in the stores. They stay: earlier releases have written them. */
export interface Names {
  /** Table of the embedded store. */
  readonly table: string;
  /** In ZooKeeper, where it is not the table's name: present kinds of one folder share a node for each key. */
  readonly folder?: string;
  /** The name in a shared node, where it is not the table's. */
  readonly field?: string;
}

/** Loaded by every node and kept in memory; one record for each key. */
export interface PresentKind<V> extends Kind<V>, Names {
  readonly is: 'present';
  /** Most records are gone before ZooKeeper's tables are written. */
  readonly brief?: true;
  /** No listed past record of the key is later than this; null: not known. */
  latest?(value: V): number | null;
}

/** Read from the store on request. Bounded for each owner: the smallest places go first. */
export interface PastKind<V> extends Kind<V>, Names {
  readonly is: 'past';
  /** Implied by other records, and never written by a decision. */
  readonly implied?: true;
  /** Maximum number of records for each owner. Stores may exceed it by a tenth. */
  readonly keep: number;
  /**
   * Maximum number in ZooKeeper, where they are rewritten with each change of their owner. Left out: they are sealed
   * into pieces that are not rewritten.
   */
  readonly rewritten?: number;
  /** The present kind of the owner: with it gone for long, its past goes. Left out: it stays. */
  readonly of?: string;
  owner(record: StoredRecord): string;
  place(record: StoredRecord): Place;
  /** The value has its key in this field. */
  readonly named?: string;
  /** Places are numbers without gaps, from 1. At 1 the list begins again: the earlier records were forgotten. */
  readonly isNumbered?: true;
  /** The newest record of an owner is implied by the present record of this kind, and need not be stored. */
  readonly newestIn?: string;
  /** Also found by key, and listed over all owners by place: names of the embedded store's tables for it. */
  readonly listed?: { readonly byPlace: string; readonly byKey: string };
}

/** Only removes others and implies a past record. */
export interface RemovalKind<V> extends Kind<V> {
  readonly is: 'removal';
}

export type AnyKind = PresentKind<unknown> | PastKind<unknown> | RemovalKind<unknown>;

/** What a later release wrote. `what` names it; the caller's message says what to do. */
export function tooNew(what: string, details: ErrorDetails = {}): CarillonError {
  return new CarillonError(
    'STORE_TOO_NEW',
    `${what} was written by a later release of Carillon, and this one cannot read it. Start the later release again, or restore a backup that was taken before the upgrade.`,
    details,
  );
}

/** The stored value in the newest version. STORE_TOO_NEW for one of a later release. */
export function upgraded(kind: Kind<unknown>, [name, key, value]: StoredRecord): Stored {
  const version = (value.v as number | undefined) ?? 1;
  const newest = kind.steps.length + 1;
  if (version === newest) return value;
  if (version > newest)
    throw tooNew(`The record ${name} of ${key} (version ${version}; newest known: ${newest})`);
  let next = value;
  for (const step of kind.steps.slice(version - 1)) next = step(next);
  return { ...next, v: newest };
}

/** Version 1 is not written down. */
export function versioned(kind: Kind<unknown>, value: Stored): Stored {
  return kind.steps.length === 0 ? value : { ...value, v: kind.steps.length + 1 };
}

/** The value without its version. */
export function bare(stored: Stored): Stored {
  if (stored.v === undefined) return stored;
  const { v: _, ...value } = stored;
  return value;
}
