/** Reads over the jobs that somebody sees. */

import type { JobOrder, JobReader, RankedJobs, Steps } from '../handle.ts';
import type { Backfill } from '../model/backfill.ts';
import type { Redaction } from './redaction.ts';
import type { Sight } from './sight.ts';

/** Jobs per step. */
const STEP = 64;

export function readerFor(inner: JobReader, sight: Sight, redaction: Redaction): JobReader {
  const seen = (names: readonly string[]): readonly string[] =>
    sight.isOfAll ? names : names.filter((name) => sight.seesName(name));
  const around = (name: string, names: (name: string) => readonly string[]): readonly string[] =>
    sight.seesName(name) ? seen(names(name)) : [];
  return {
    glance: (name) => {
      const glance = inner.glance(name);
      return glance === undefined || !sight.sees(glance.job) ? undefined : redaction.glance(glance);
    },
    childrenOf: (name) => around(name, inner.childrenOf),
    parentsOf: (name) => around(name, inner.parentsOf),
    ranked: (order, descending) => ranked(inner, { order, descending, sight, redaction }),
    backfills: () => inner.backfills().filter((each) => seesBackfill(sight, each)),
    lacking: (name) => {
      if (!sight.seesName(name)) return [];
      return inner
        .lacking(name)
        .map(({ due, parents }) => ({ due, parents: seen(parents) }))
        .filter(({ parents }) => parents.length > 0);
    },
  };
}

/** Of a backfill with a job that he does not see, somebody sees nothing. */
export const seesBackfill = (sight: Sight, { jobs, createdAt }: Backfill): boolean =>
  sight.isOfAll || jobs.every((job) => sight.seesName(job, createdAt));

interface Ranking {
  readonly order: JobOrder;
  readonly descending: boolean;
  readonly sight: Sight;
  readonly redaction: Redaction;
}

function* ranked(inner: JobReader, { order, descending, sight, redaction }: Ranking): Steps<RankedJobs> {
  const all = yield* inner.ranked(order, descending);
  if (sight.isOfAll) return { ...all, at: (place) => redaction.glance(all.at(place)) };
  const places: number[] = [];
  for (let place = 0; place < all.count; place++) {
    if (place % STEP === STEP - 1) yield;
    if (sight.sees(all.at(place).job)) places.push(place);
  }
  const placeOf = (place: number): number => places[place] as number;
  return {
    count: places.length,
    at: (place) => redaction.glance(all.at(placeOf(place))),
    key: (place) => all.key(placeOf(place)),
    behind: (key, name) => firstFrom(places, all.behind(key, name)),
  };
}

/** The index of the first place that is not before the given one. */
function firstFrom(places: readonly number[], from: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle] as number) >= from) high = middle;
    else low = middle + 1;
  }
  return low;
}
