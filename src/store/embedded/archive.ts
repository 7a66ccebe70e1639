/** Reads of the past from the embedded store: ranges of sorted keys, bounded work per page. */

import { nextRound } from '../../loop-round.ts';
import type { EndState, Histograms, Revision, Run } from '../../scheduler/model/model.ts';
import type { Archive, RunQuery } from '../../scheduler/ports.ts';
import {
  decodeHistograms,
  decodeJob,
  decodeLine,
  decodeRevision,
  decodeRun,
  revisionOf,
  type Stored,
} from '../codec.ts';
import { decodeCursor, encodeCursor, type Place } from '../cursor.ts';
import type { Key, Table } from './table.ts';
import type { Tables } from './tables.ts';

/** Runs looked at for one page; a filter that fits few answers a short page and a cursor. */
const MAX_SCAN = 5_000;
/** Values read before everything else has a turn: some hundred microseconds. */
const PORTION = 32;
/** Sorts behind every id. */
const LAST = '￿';

export function createEmbeddedArchive(ready: () => Tables): Archive {
  /** Ended runs of the query's job or of all, newest due first, from its cursor on. */
  async function* newestFirst(query: RunQuery): AsyncGenerator<{ place: Place; run: Run }> {
    const until: Place = [query.toMs ?? Number.MAX_SAFE_INTEGER, ''];
    const behind = query.cursor === undefined ? until : decodeCursor(query.cursor);
    const start = behind[0] < until[0] ? behind : until;
    const { history, byDue } = ready();
    // Both ends of a reverse range are left out where they are keys: the cursor's own run was answered already.
    if (query.job !== undefined) {
      const range = { start: [query.job, ...start], end: [query.job], reverse: true, exclusiveStart: true };
      for await (const { key, value } of portions(history, range))
        yield { place: [key[1], key[2]], run: decodeRun(value) };
      return;
    }
    const range = { start: [...start], reverse: true, exclusiveStart: true };
    for await (const { key, value: job } of portions(byDue, range)) {
      const stored = ready().history.get([job, key[0], key[1]]);
      if (stored !== undefined) yield { place: key, run: decodeRun(stored) };
    }
  }

  return {
    async runs(query) {
      const items: Run[] = [];
      let scanned = 0;
      let last: Place | null = null;
      for await (const { place, run } of newestFirst(query)) {
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
    },
    async run(id) {
      const { byId, history } = ready();
      const place = byId.get(id);
      const stored = place === undefined ? undefined : history.get([place[0], place[1], id]);
      return stored === undefined ? null : decodeRun(stored);
    },
    async revisions(job) {
      const range = { start: [job, LAST], end: [job], reverse: true };
      const { jobs, revisions } = ready();
      const stored = jobs.get(job);
      const newest = stored === undefined ? [] : [revisionOf(decodeJob(job, stored))];
      const past: Revision[] = [];
      for await (const { key, value } of portions(revisions, range))
        past.push(decodeRevision(job, key[1], value));
      return [...newest, ...past];
    },
    async ledger({ job, fromMs, toMs, limit }) {
      const { ledger } = ready();
      const line = ({ key, value }: { key: [string, number]; value: Stored }) =>
        decodeLine(job, key[1], value);
      // A stretch that began before the period may reach into it.
      const before = [
        ...ledger.getRange({
          start: [job, fromMs],
          end: [job],
          reverse: true,
          exclusiveStart: true,
          limit: 1,
        } as never),
      ]
        .map(line)
        .filter((each) => each.to >= fromMs);
      const lines = [...before];
      for await (const each of portions(ledger, { start: [job, fromMs], end: [job, toMs] })) {
        if (lines.length >= limit) break;
        lines.push(line(each));
      }
      return lines;
    },
    async days({ job, fromDay, toDay }) {
      const range = { start: [job, fromDay], end: [job, `${toDay}${LAST}`] };
      const days: { day: string; histograms: Histograms }[] = [];
      for await (const { key, value } of portions(ready().days, range))
        days.push({ day: key[1], histograms: decodeHistograms(value) });
      return days;
    },
  };
}

interface Range {
  readonly start: readonly (string | number)[];
  readonly end?: readonly (string | number)[];
  readonly reverse?: boolean;
  readonly exclusiveStart?: boolean;
}

/** The entries of a range, some at a time, each portion as the table is then. */
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
