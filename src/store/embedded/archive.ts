/** Reads of the past from the embedded store: ranges of sorted keys, with limited work per page. */

import { nextRound } from '../../loop-round.ts';
import type { EndState, Run } from '../../scheduler/model/model.ts';
import type { Archive, PastQuery, RunQuery } from '../../scheduler/ports.ts';
import type { Stored, StoredRecord } from '../../scheduler/records/kind.ts';
import { decodeValue, impliedBy, newest, pastKinds, pastRecord } from '../../scheduler/records/stored.ts';
import type { PastName, PresentName, ValueOf } from '../../scheduler/records/table.ts';
import { archiveOver, LAST } from '../archive.ts';
import { decodeCursor, encodeCursor, type Place } from '../cursor.ts';
import type { Key, Table } from './table.ts';
import type { Index, PastKey, Tables } from './tables.ts';

/** Runs read per page; a filter that matches few returns a short page and a cursor. */
const MAX_SCAN = 5_000;
/** Values read before other work gets its turn: some hundred microseconds. */
const PORTION = 32;

interface Ended {
  readonly place: Place;
  readonly run: Run;
}

export function createEmbeddedArchive(ready: () => Tables): Archive {
  return archiveOver({
    past: async (kind, query) => pastOf(ready(), kind, query),
    runs: async (query) => pageOf(newestFirst(ready, query), query),
    async run(id) {
      const tables = ready();
      const { byKey } = tables.indexes.get('run-ended') as Index;
      const at = byKey.get(id);
      const stored = at === undefined ? undefined : tableOf(tables, 'run-ended').get([...at, id]);
      return at === undefined || stored === undefined ? null : runOf([...at, id], stored);
    },
  });
}

const tableOf = (tables: Tables, kind: PastName) => tables.past.get(kind) as Table<Stored, PastKey>;

function decoded<K extends PastName>(kind: K, [owner, ...place]: PastKey, value: Stored): ValueOf<K> {
  // A kind that adds nothing to its key has the key in the position.
  const key = pastKinds.get(kind)?.more === undefined ? String(place.at(-1)) : owner;
  return decodeValue<K>(pastRecord(kind, key, place, value));
}

const runOf = (key: PastKey, value: Stored): Run => decoded('run-ended', key, value);

/** Ended runs of the query's job or of all, newest due time first, from its cursor. */
async function* newestFirst(ready: () => Tables, query: RunQuery): AsyncGenerator<Ended> {
  const until: Place = [query.toMs ?? Number.MAX_SAFE_INTEGER, ''];
  const behind = query.cursor === undefined ? until : decodeCursor(query.cursor);
  const start = behind[0] < until[0] ? behind : until;
  const history = tableOf(ready(), 'run-ended');
  // Both ends of a reverse range are excluded if they are keys: the cursor's own run was already returned.
  if (query.job !== undefined) {
    const range = { start: [query.job, ...start], end: [query.job], reverse: true, exclusiveStart: true };
    for await (const { key, value } of portions(history, range))
      yield { place: [key[1] as number, key[2] as string], run: runOf(key, value) };
    return;
  }
  const range = { start: [...start], reverse: true, exclusiveStart: true };
  const { byPlace } = ready().indexes.get('run-ended') as Index;
  for await (const { key, value: job } of portions(byPlace, range)) {
    const place = key as Place;
    const stored = tableOf(ready(), 'run-ended').get([job, ...place]);
    if (stored !== undefined) yield { place, run: runOf([job, ...place], stored) };
  }
}

/** The runs that match the query, and a cursor if more may follow. */
async function pageOf(
  runs: AsyncIterable<Ended>,
  query: RunQuery,
): Promise<{ items: Run[]; next: string | null }> {
  const items: Run[] = [];
  let scanned = 0;
  let last: Place | null = null;
  for await (const { place, run } of runs) {
    if (query.fromMs !== undefined && run.due < query.fromMs) break;
    const fits = query.states === undefined || query.states.includes(run.state as EndState);
    if (last !== null && (scanned === MAX_SCAN || (fits && items.length === query.limit))) {
      return { items, next: encodeCursor(last) };
    }
    if (fits) items.push(run);
    scanned += 1;
    last = place;
  }
  return { items, next: null };
}

/** The owner's newest record, if it is implied by a present one. */
function impliedNow(tables: Tables, kind: PastName, owner: string): StoredRecord | null {
  const of = pastKinds.get(kind)?.newestIn as PresentName | undefined;
  const value = of === undefined ? undefined : tables.present.get(of)?.get(owner);
  return value === undefined ? null : impliedBy(newest([of as PresentName, owner, value]));
}

async function pastOf<K extends PastName>(tables: Tables, kind: K, query: PastQuery): Promise<ValueOf<K>[]> {
  const { owner, from, below, withPrevious = false, newestFirst = false } = query;
  const { limit = Number.POSITIVE_INFINITY } = query;
  const first = [owner, ...(from === undefined ? [] : [from])];
  const end = [owner, below ?? LAST];
  const now = impliedNow(tables, kind, owner);
  // It comes behind all of the table.
  const isBefore = now !== null && from !== undefined && (now[3] ?? '') < from;
  const isWithin = now !== null && !isBefore && (below === undefined || (now[3] ?? '') < below);
  const latest = isWithin ? [decodeValue<K>(now)] : [];
  const last = { start: first, end: [owner], reverse: true, exclusiveStart: true, limit: 1 };
  const inTable = () =>
    [...tableOf(tables, kind).getRange(last as never)].map(({ key, value }) => decoded(kind, key, value));
  const previous = !withPrevious ? [] : isBefore ? [decodeValue<K>(now)] : inTable();
  const found = newestFirst ? latest : previous;
  const range = newestFirst
    ? { start: end, end: [owner], reverse: true, exclusiveStart: true }
    : { start: first, end };
  for await (const { key, value } of portions(tableOf(tables, kind), range)) {
    if (found.length >= limit || (newestFirst && from !== undefined && (key[1] as number) < (from as number)))
      break;
    found.push(decoded(kind, key, value));
  }
  return [...found, ...(newestFirst ? previous : latest)].slice(0, limit);
}

interface Range {
  readonly start: readonly (string | number)[];
  readonly end?: readonly (string | number)[];
  readonly reverse?: boolean;
  readonly exclusiveStart?: boolean;
}

/** The entries of a range in portions, each as of the time it is read. */
async function* portions<V, K extends Key>(
  table: Table<V, K>,
  range: Range,
): AsyncGenerator<{ key: K; value: V }> {
  for (let rest = range; ; ) {
    const some = [...table.getRange({ ...rest, limit: PORTION } as never)] as { key: K; value: V }[];
    yield* some;
    const last = some.at(-1);
    if (last === undefined || some.length < PORTION) return;
    rest = { ...rest, start: last.key as Range['start'], exclusiveStart: true };
    await nextRound();
  }
}
