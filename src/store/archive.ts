/** Reads of the past as domain values, over what a store returns by kind and position. */

import type { Archive, PastQuery } from '../scheduler/ports.ts';
import type { Place } from '../scheduler/records/kind.ts';

/** Sorts after every text. */
export const LAST = '\uffff';

/** What each store implements itself. */
export type PastReads = Pick<Archive, 'past' | 'runs' | 'run'>;

export function archiveOver(reads: PastReads): Archive {
  return {
    ...reads,
    revisions: (job) => reads.past('revision', { owner: job, newestFirst: true }),
    async ledger({ job, fromMs, toMs, limit }) {
      const range = { from: fromMs, below: toMs, withPrevious: true, limit: limit + 1 };
      const lines = await reads.past('ledger', { owner: job, ...range });
      return lines.filter(({ from, to }) => from < toMs && to >= fromMs).slice(0, limit);
    },
    async days({ job, fromDay, toDay }) {
      const days = await reads.past('day', { owner: job, from: fromDay, below: `${toDay}${LAST}` });
      return days.map(({ day, histograms }) => ({ day, histograms }));
    },
  };
}

/** The records that match the query, in its order; for stores that have all records of an owner in memory. */
export function selected<T extends { readonly place: Place }>(
  all: readonly T[],
  { from, below, withPrevious = false, newestFirst = false, limit }: PastQuery,
): T[] {
  const sorted = all.toSorted((a, b) => comparePlaces(a.place, b.place));
  const isBefore = ({ place: [first] }: T): boolean => from !== undefined && compareParts(first, from) < 0;
  const previous = withPrevious ? sorted.filter(isBefore).slice(-1) : [];
  const within = sorted.filter(
    (each) => !isBefore(each) && (below === undefined || compareParts(each.place[0], below) < 0),
  );
  const found = [...previous, ...within];
  return (newestFirst ? found.reverse() : found).slice(0, limit);
}

type Part = Place[number];

/** Numbers come before texts, as in LMDB. */
function compareParts(a: Part | undefined, b: Part | undefined): number {
  if (a === b) return 0;
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  return (a as Part) < (b as Part) ? -1 : 1;
}

/** Positive if `a` sorts after `b`. */
export function comparePlaces(a: Place, b: Place): number {
  for (let i = 0; i < a.length; i++) {
    const order = compareParts(a[i], b[i]);
    if (order !== 0) return order;
  }
  return 0;
}
