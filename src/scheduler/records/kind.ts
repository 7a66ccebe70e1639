/**
 * The properties of a record kind: how its values are named, encoded, stored and limited. The kinds
 * themselves are in table.ts. Stores, followers, backups and the simulator work with these properties and
 * know no kind by name.
 */

import { CarillonError, type ErrorDetails } from '../../errors.ts';

/** A stored value: JSON, shorter than the domain value. */
export type Stored = Record<string, unknown>;

/** Makes equal parts one object in memory; see `createSharing`. */
export type Share = <T>(part: T) => T;

/** Orders the records of one owner. The last part alone is unique among them. */
export type Place = readonly (number | string)[];

/**
 * `more` is the kind's addition to the key: the number of a revision, or the first due time of a ledger
 * entry.
 */
export type StoredRecord = readonly [kind: string, key: string, value: Stored, more?: number | string];

/** Converts a stored value to the next version. Pure; `older` becomes part of the result. */
export type Step = (older: Stored) => Stored;

export interface Kind<V> {
  /** The first store format with the newest version of this kind; see `formatOf`. */
  readonly since: number;
  /** Values that earlier formats do not have, though their version is the same. */
  readonly later?: readonly { readonly since: number; readonly has: (stored: Stored) => boolean }[];
  /**
   * The first converts version 1 to version 2, so a kind's version is one more than the number of its steps.
   */
  readonly steps: readonly Step[];
  key(value: V): string;
  more?(value: V): number | string;
  encode(value: V): Stored;
  /** `value` becomes part of the result. */
  decode(record: StoredRecord, share: Share): V;
  /** Present records of the same key that are removed with this one. */
  readonly removes?: readonly string[];
  /** A past record that this one implies, so that it is not written twice. */
  also?(record: StoredRecord): StoredRecord;
  /** The leader's clock when it decided the value. */
  decidedAt?(value: V): number | undefined;
}

/** Names in the stores. They never change, because earlier releases have written them. */
export interface Names {
  /** Table of the embedded store. */
  readonly table: string;
  /** Folder in ZooKeeper, if not the table's name: present kinds of one folder share a node per key. */
  readonly folder?: string;
  /** Name in a shared node, if not the table's. */
  readonly field?: string;
}

/** Loaded by every node and kept in memory. One record per key. */
export interface PresentKind<V> extends Kind<V>, Names {
  readonly is: 'present';
  /** Most records are removed before ZooKeeper's tables are written. */
  readonly brief?: true;
  /** It is of this installation only: backups leave it out. */
  readonly isSecret?: true;
  /** No listed past record of the key is later than this. Null: unknown. */
  latest?(value: V): number | null;
}

/** Read from the store on request. Limited per owner: the smallest positions are removed first. */
export interface PastKind<V> extends Kind<V>, Names {
  readonly is: 'past';
  /** Implied by other records, and never written by a decision. */
  readonly implied?: true;
  /** Maximum number of records per owner. Stores may exceed it by a tenth. */
  readonly keep: number;
  /** Records that are older are removed too. */
  readonly age?: {
    /** Unless the installation has another. */
    readonly keepMs: number;
    /** When the record at this position was made. */
    at(place: Place): number;
    /** Records that were made from then on have positions from here on. */
    from(at: number): number | string;
  };
  /**
   * Maximum number in ZooKeeper, where they are rewritten with each change of their owner. Absent: they are
   * sealed into pieces that are not rewritten.
   */
  readonly rewritten?: number;
  /**
   * The present kind of the owner: some time after its removal, its past is removed. Absent: the past stays.
   */
  readonly of?: string;
  owner(record: StoredRecord): string;
  place(record: StoredRecord): Place;
  /** The field of the value that has its key. */
  readonly named?: string;
  /**
   * Positions are consecutive numbers from 1. A new 1 starts the list again and removes the earlier records.
   */
  readonly isNumbered?: true;
  /** The newest record of an owner is implied by the present record of this kind, and need not be stored. */
  readonly newestIn?: string;
  /** Also found by key, and listed over all owners by position: the embedded store's tables for that. */
  readonly listed?: { readonly byPlace: string; readonly byKey: string };
}

/** Only removes other records and implies a past record. */
export interface RemovalKind<V> extends Kind<V> {
  readonly is: 'removal';
}

export type AnyKind = PresentKind<unknown> | PastKind<unknown> | RemovalKind<unknown>;

/** The error for records of a later release. `what` names the record; the message says what to do. */
export function tooNew(what: string, details: ErrorDetails = {}): CarillonError {
  return new CarillonError(
    'STORE_TOO_NEW',
    `${what} was written by a later release of Carillon, and this one cannot read it. Start the later release again, or restore a backup that was taken before the upgrade.`,
    details,
  );
}

/** Converts the stored value to the newest version. STORE_TOO_NEW if it is from a later release. */
export function upgraded(kind: Kind<unknown>, [name, key, value]: StoredRecord): Stored {
  const version = (value.v as number | undefined) ?? 1;
  const newest = kind.steps.length + 1;
  if (version === newest) return value;
  if (version > newest)
    throw tooNew(`Record ${name} of ${key} (version ${version}; newest known version: ${newest})`);
  let next = value;
  for (const step of kind.steps.slice(version - 1)) next = step(next);
  return { ...next, v: newest };
}

/** Version 1 is not written. */
export function versioned(kind: Kind<unknown>, value: Stored): Stored {
  return kind.steps.length === 0 ? value : { ...value, v: kind.steps.length + 1 };
}

/** The value without its version. */
export function bare(stored: Stored): Stored {
  if (stored.v === undefined) return stored;
  const { v: _, ...value } = stored;
  return value;
}
