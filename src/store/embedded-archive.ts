/** Reads of the past from the embedded store: ranges of sorted keys, bounded work per page. */

import type { EndState, Run } from '../scheduler/model.ts';
import type { Archive, RunQuery } from '../scheduler/ports.ts';
import {
  decodeHistograms,
  decodeJob,
  decodeLine,
  decodeRevision,
  decodeRun,
  revisionOf,
  type Stored,
} from './codec.ts';
import { decodeCursor, encodeCursor, type Place } from './cursor.ts';
import type { Tables } from './embedded-tables.ts';

/** Runs looked at for one page; a filter that fits few answers a short page and a cursor. */
const MAX_SCAN = 5_000;
/** Sorts behind every id. */
const LAST = '￿';

export function createEmbeddedArchive(ready: () => Tables): Archive {
  /** Ended runs of the query's job or of all, newest due first, from its cursor on. */
  function* newestFirst(query: RunQuery): Iterable<{ place: Place; run: Run }> {
    const { history, byDue } = ready();
    const until: Place = [query.toMs ?? Number.MAX_SAFE_INTEGER, ''];
    const behind = query.cursor === undefined ? until : decodeCursor(query.cursor);
    const start = behind[0] < until[0] ? behind : until;
    // Both ends of a reverse range are left out where they are keys: the cursor's own run was answered already.
    if (query.job !== undefined) {
      const range = { start: [query.job, ...start], end: [query.job], reverse: true, exclusiveStart: true };
      for (const { key, value } of history.getRange(range as never))
        yield { place: [key[1], key[2]], run: decodeRun(value) };
      return;
    }
    for (const { key, value: job } of byDue.getRange({
      start,
      reverse: true,
      exclusiveStart: true,
    } as never)) {
      const stored = history.get([job as string, key[0], key[1]]);
      if (stored !== undefined) yield { place: key as Place, run: decodeRun(stored) };
    }
  }

  return {
    async runs(query) {
      const items: Run[] = [];
      let scanned = 0;
      let last: Place | null = null;
      for (const { place, run } of newestFirst(query)) {
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
      const past = [...revisions.getRange(range as never)];
      return [...newest, ...past.map(({ key, value }) => decodeRevision(job, key[1], value))];
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
      const range = { start: [job, fromMs], end: [job, toMs], limit: Math.max(0, limit - before.length) };
      return [...before, ...[...ledger.getRange(range as never)].map(line)];
    },
    async days({ job, fromDay, toDay }) {
      const range = { start: [job, fromDay], end: [job, `${toDay}${LAST}`] };
      return [...ready().days.getRange(range as never)].map(({ key, value }) => ({
        day: key[1],
        histograms: decodeHistograms(value),
      }));
    },
  };
}
