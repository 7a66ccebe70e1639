/** Records as in stores, logs and backups: encoded from writes, decoded, and the changes that each makes. */

import { CarillonError } from '../../errors.ts';
import {
  type AnyKind,
  bare,
  type Kind,
  type PastKind,
  type Place,
  type PresentKind,
  type Share,
  type Stored,
  type StoredRecord,
  tooNew,
  upgraded,
  versioned,
} from './kind.ts';
import {
  type KindName,
  type LoadedItem,
  type PastName,
  type PresentName,
  records,
  type ValueOf,
  type Write,
  type WriteGroup,
} from './table.ts';

/** A present record that an earlier record of the backup contains and that was removed. */
const GONE = 'gone';

const kinds: ReadonlyMap<string, AnyKind> = new Map(Object.entries(records));
const named = <T extends AnyKind>(is: T['is']): ReadonlyMap<string, T> =>
  new Map([...kinds].filter((each): each is [string, T] => each[1].is === is));

export const presentKinds = named<PresentKind<unknown>>('present') as ReadonlyMap<
  PresentName,
  PresentKind<unknown>
>;
export const pastKinds = named<PastKind<unknown>>('past') as ReadonlyMap<PastName, PastKind<unknown>>;

/** Whether backups leave out records of the kind. */
export function isSecret(kind: string): boolean {
  return presentKinds.get(kind as PresentName)?.isSecret === true;
}

/**
 * The kinds of a backup, without secret ones, ordered such that each record may replace earlier ones: a job with its first
 * revision restarts the list of revisions, so these come first.
 */
export const backupOrder: readonly (PresentName | PastName)[] = [
  ...[...presentKinds.keys()].filter((name) => !isSecret(name)),
  ...pastKinds.keys(),
].sort((a, b) => Object.keys(records).indexOf(a) - Object.keys(records).indexOf(b));

/** The newest store format that this release reads and writes. */
export const newestFormat = Math.max(
  ...[...kinds.values()].flatMap(({ since, later }) => [since, ...(later ?? []).map((each) => each.since)]),
);

const asIs: Share = (part) => part;

/** The kind, or STORE_TOO_NEW: a later release has more kinds. */
function kindOf(name: string): AnyKind {
  const kind = kinds.get(name);
  if (kind === undefined) throw tooNew(`A record of the unknown kind ${JSON.stringify(name)}`);
  return kind;
}

/**
 * The format that a store needs for these records: releases that only know an earlier format cannot read
 * them.
 */
export function formatOf(written: readonly StoredRecord[]): number {
  let format = 1;
  for (const [name, , stored] of written) {
    if (name === GONE) continue;
    const { since, later } = kindOf(name);
    const needed = (later ?? []).filter(({ has }) => has(stored)).map((each) => each.since);
    format = Math.max(format, since, ...needed);
  }
  return format;
}

/** Shares no mutable part with the writes. */
export function encodeWrites(groups: readonly WriteGroup[]): StoredRecord[] {
  return groups.flatMap((group) => group.map(encodeRecord));
}

export function encodeRecord({
  kind: name,
  value,
}: {
  readonly kind: KindName;
  readonly value: unknown;
}): StoredRecord {
  const kind = kindOf(name);
  const stored = versioned(kind, kind.encode(value));
  return kind.more === undefined
    ? [name, kind.key(value), stored]
    : [name, kind.key(value), stored, kind.more(value)];
}

/** An unshared value; each call creates a new one, which may share parts with the record. */
export function decodeValue<K extends KindName>(record: StoredRecord, share: Share = asIs): ValueOf<K> {
  const kind: Kind<unknown> = kindOf(record[0]);
  const [name, key, , more] = record;
  return kind.decode([name, key, bare(upgraded(kind, record)), more as number], share) as ValueOf<K>;
}

export function decodeWrite(record: StoredRecord): Write {
  return { kind: record[0], value: decodeValue(record) } as Write;
}

export function decodeLoaded(record: StoredRecord, share?: Share): LoadedItem {
  return { kind: record[0], value: decodeValue(record, share) } as LoadedItem;
}

/** Converts the record to its newest version. */
export function newest(record: StoredRecord): StoredRecord {
  if (record[0] === GONE) return record;
  const value = upgraded(kindOf(record[0]), record);
  return value === record[2] ? record : [record[0], record[1], value, record[3] as number];
}

export const goneRecord = (of: PresentName, key: string): StoredRecord => [GONE, key, { of }];

/** Throws for an invalid record, or one that this release cannot read. */
export function checkRecord(value: unknown): StoredRecord {
  const [name, key, stored] = Array.isArray(value) ? value : [];
  const isRecord =
    typeof name === 'string' && typeof key === 'string' && typeof stored === 'object' && stored !== null;
  const isWhole = isRecord && (name === GONE ? presentKinds.has(stored.of) : kinds.has(name));
  if (!isWhole) throw new CarillonError('INVALID_BACKUP', 'A line of the backup is not a valid record.');
  if (name !== GONE) decodeValue(value as StoredRecord);
  return value as StoredRecord;
}

/** A change that a record makes in a store, in order. */
export type Change =
  | { readonly does: 'put'; readonly kind: PresentName; readonly key: string; readonly value: Stored }
  | { readonly does: 'remove'; readonly kind: PresentName; readonly key: string }
  | {
      readonly does: 'add';
      readonly kind: PastName;
      readonly key: string;
      readonly owner: string;
      readonly place: Place;
      readonly value: Stored;
    };

/** The record must be in the newest version. */
export function changesOf(record: StoredRecord): Change[] {
  const [name, key, value] = record;
  if (name === GONE) return [{ does: 'remove', kind: value.of as PresentName, key }];
  const kind = kindOf(name);
  const changes: Change[] = (kind.removes ?? []).map((of) => ({
    does: 'remove',
    kind: of as PresentName,
    key,
  }));
  if (kind.is === 'present') changes.push({ does: 'put', kind: name as PresentName, key, value });
  else if (kind.is === 'past') changes.push(added(name as PastName, kind, record));
  const implied = impliedBy(record);
  if (implied !== null) changes.push(...changesOf(implied));
  return changes;
}

/** The past record that this one implies. Null if its kind implies none. */
export function impliedBy([name, key, value, more]: StoredRecord): StoredRecord | null {
  const kind = kindOf(name);
  if (kind.also === undefined) return null;
  const [of, owner, implied, place] = kind.also([name, key, bare(value), more as number]);
  return [of, owner, versioned(kindOf(of), implied), place as number];
}

function added(name: PastName, kind: PastKind<unknown>, record: StoredRecord): Change {
  const [, key, value] = record;
  return { does: 'add', kind: name, key, owner: kind.owner(record), place: kind.place(record), value };
}

/** Restores a past record from its position. */
export function pastRecord(kind: PastName, key: string, place: Place, value: Stored): StoredRecord {
  const { more } = pastKinds.get(kind) as PastKind<unknown>;
  return more === undefined ? [kind, key, value] : [kind, key, value, place.at(-1) as number | string];
}

/** The leader's clock when it decided the value. Undefined for kinds that do not record it. */
export const decidedAt = ({ kind, value }: Write): number | undefined => kindOf(kind).decidedAt?.(value);

/**
 * Records of the kind and owner at smaller positions than this are too old, as of the newest one, which is at `place`.
 * Null: the kind has no age. `keepMs`: that of the installation.
 */
export function firstKept({ age }: PastKind<unknown>, place: Place, keepMs?: number): number | string | null {
  return age === undefined ? null : age.from(age.at(place) - (keepMs ?? age.keepMs));
}
