/**
 * The reference store: everything in maps, lost with the process. Several stores may share one backing, as
 * several nodes share one ensemble. Values pass through the codec, so no mutable part is shared.
 */

import { CarillonError } from '../errors.ts';
import type { Run } from '../scheduler/model/model.ts';
import type { Store, Watcher } from '../scheduler/ports.ts';
import type { PastKind, Place, StoredRecord } from '../scheduler/records/kind.ts';
import {
  backupOrder,
  type Change,
  changesOf,
  decodeLoaded,
  decodeValue,
  decodeWrite,
  encodeWrites,
  firstKept,
  newestFormat,
  pastKinds,
  pastRecord,
  presentKinds,
} from '../scheduler/records/stored.ts';
import type { PastName, PresentName } from '../scheduler/records/table.ts';
import { archiveOver, comparePlaces, type PastReads, selected } from './archive.ts';
import { writeBackup } from './backup-file.ts';
import { SLACK } from './bounds.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import type { TermSource } from './election-solo.ts';

type Text = string;
interface PastEntry {
  readonly key: string;
  readonly place: Place;
  readonly text: Text;
}
/** By the last part of their positions. */
type PastEntries = Map<number | string, PastEntry>;

/** What outlives a store. Values are JSON text, so nothing in it can be changed from outside. */
export interface MemoryBacking {
  term: number;
  readonly present: ReadonlyMap<PresentName, Map<string, Text>>;
  /** By owner. */
  readonly past: ReadonlyMap<PastName, Map<string, PastEntries>>;
  readonly watchers: Set<{ readonly store: object; readonly watcher: Watcher }>;
}

export function createMemoryBacking(): MemoryBacking {
  return {
    term: 0,
    present: new Map([...presentKinds.keys()].map((kind) => [kind, new Map()])),
    past: new Map([...pastKinds.keys()].map((kind) => [kind, new Map()])),
    watchers: new Set(),
  };
}

export interface MemoryStore extends Store, TermSource {}

export function createMemoryStore(backing: MemoryBacking = createMemoryBacking()): MemoryStore {
  const own = {};
  return {
    limits: { maxWrites: 5_000, inFlight: 1 },
    async open() {},
    async close() {},
    installation: async () => 'memory',
    campaign: async () => ++backing.term,
    async *load() {
      for (const [kind, table] of backing.present)
        yield [...table].map(([key, text]) => decodeLoaded([kind, key, JSON.parse(text)]));
    },
    async commit(term, groups) {
      if (term !== backing.term) {
        throw new CarillonError('NOT_LEADING', `Term ${term} has ended. The current one is ${backing.term}.`);
      }
      // Finds values that cannot be stored before anything is written.
      const records = JSON.stringify(encodeWrites(groups));
      for (const record of JSON.parse(records) as StoredRecord[])
        for (const change of changesOf(record)) apply(backing, change);
      for (const { store, watcher } of backing.watchers)
        if (store !== own) watcher.onWrites((JSON.parse(records) as StoredRecord[]).map(decodeWrite), 0);
    },
    watch(watcher) {
      const watching = { store: own, watcher };
      backing.watchers.add(watching);
      // Reported as part of each commit, so it is never behind.
      return {
        caughtUp: async () => undefined,
        lagMs: () => 0,
        stop: () => void backing.watchers.delete(watching),
      };
    },
    status: () => ({ reachable: true, detail: null }),
    backup: ({ version, now }) =>
      writeBackup(
        {
          version,
          takenAt: new Date(now).toISOString(),
          installation: 'memory',
          store: 'memory',
          term: backing.term,
          format: newestFormat,
        },
        records(backing),
      ),
    archive: archiveOver(readsOf(backing)),
  };
}

function apply({ present, past }: MemoryBacking, change: Change): void {
  if (change.does === 'put')
    (present.get(change.kind) as Map<string, Text>).set(change.key, JSON.stringify(change.value));
  else if (change.does === 'remove') present.get(change.kind)?.delete(change.key);
  else add(past.get(change.kind) as Map<string, PastEntries>, change);
}

/** Adds a past record and removes the smallest positions above the limit. */
function add(
  owners: Map<string, PastEntries>,
  { kind, key, owner, place, value }: Extract<Change, { does: 'add' }>,
): void {
  const ofKind = pastKinds.get(kind) as PastKind<unknown>;
  const { keep, isNumbered } = ofKind;
  const entries: PastEntries = (isNumbered && place[0] === 1 ? null : owners.get(owner)) ?? new Map();
  entries.set(place.at(-1) as number | string, { key, place, text: JSON.stringify(value) });
  const first = firstKept(ofKind, place);
  if (first !== null)
    for (const [id, each] of entries) {
      // They were added in the order of their age.
      if ((each.place[0] as number | string) >= first) break;
      entries.delete(id);
    }
  if (entries.size > keep * (1 + SLACK)) {
    const sorted = [...entries].sort(([, a], [, b]) => comparePlaces(a.place, b.place));
    for (const [id] of sorted.slice(0, entries.size - keep)) entries.delete(id);
  }
  owners.set(owner, entries);
}

function recordOf(kind: PastName, { key, place, text }: PastEntry): StoredRecord {
  return pastRecord(kind, key, place, JSON.parse(text));
}

async function* records({ present, past }: MemoryBacking): AsyncIterable<readonly string[]> {
  for (const kind of backupOrder) {
    const table = present.get(kind as PresentName);
    if (table !== undefined)
      yield [...table].map(([key, text]) => `["${kind}",${JSON.stringify(key)},${text}]`);
    for (const entries of past.get(kind as PastName)?.values() ?? [])
      yield [...entries.values()].map((entry) => JSON.stringify(recordOf(kind as PastName, entry)));
  }
}

function readsOf(backing: MemoryBacking): PastReads {
  const entriesOf = (kind: PastName, owner: string): PastEntry[] => [
    ...(backing.past.get(kind)?.get(owner)?.values() ?? []),
  ];
  const ended = backing.past.get('run-ended') as ReadonlyMap<string, PastEntries>;
  const runOf = (entry: PastEntry): Run => decodeValue<'run-ended'>(recordOf('run-ended', entry));
  return {
    async past(kind, query) {
      const found = selected(entriesOf(kind, query.owner), query);
      return found.map((entry) => decodeValue<typeof kind>(recordOf(kind, entry)));
    },
    async runs({ job, states, fromMs, toMs, limit, cursor }) {
      const behind = cursor === undefined ? null : decodeCursor(cursor);
      const entries = (job === undefined ? [...ended.values()] : [ended.get(job) ?? new Map()]).flatMap(
        (each: PastEntries) => [...each.values()],
      );
      const fitting = entries
        .filter(({ place }) => behind === null || comparePlaces(place, behind) < 0)
        .sort((a, b) => comparePlaces(b.place, a.place))
        .map(runOf)
        .filter((run) => states === undefined || states.some((state) => state === run.state))
        .filter(
          (run) =>
            run.due >= (fromMs ?? Number.NEGATIVE_INFINITY) && run.due < (toMs ?? Number.POSITIVE_INFINITY),
        );
      const items = fitting.slice(0, limit);
      const last = items.at(-1);
      const more = fitting.length > items.length && last !== undefined;
      return { items, next: more ? encodeCursor([last.due, last.id]) : null };
    },
    async run(id) {
      for (const entries of ended.values()) {
        const entry = entries.get(id);
        if (entry !== undefined) return runOf(entry);
      }
      return null;
    },
  };
}
