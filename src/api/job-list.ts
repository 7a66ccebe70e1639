/**
 * One page of the jobs that pass a filter, in any order. A page goes on strictly behind the key and the name of
 * the last job before it, so jobs that come, go or move between two pages neither repeat nor hide others.
 */

import type { JobGlance, JobOrder, Look, RankedJobs, SchedulerHandle } from '../scheduler/handle.ts';
import { lateness } from '../scheduler/late.ts';
import { knowsRunTimes, runTimes } from '../scheduler/run-times.ts';
import { nextDueOf, statusOf } from '../scheduler/view.ts';
import { breathe } from './context.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { iso, isoOrNull } from './instants.ts';
import { type JobFilter, passesAll, passing } from './job-filter.ts';
import type { RecentRuns } from './recent-runs.ts';
import type { WireJobRow } from './schema.ts';
import { isRunning, isWaiting, scheduleText, statusReason } from './to-wire.ts';

export interface JobPage {
  readonly jobs: readonly JobGlance[];
  readonly next: string | null;
  readonly total: number;
}

/** Jobs looked at before others get a turn: about a millisecond. */
const SLICE = 2_000;
/** Run times read from histograms before others get a turn: likewise. */
const READ_SLICE = 100;

/** [key of the last job given out, its name]. */
type Place = readonly [key: number | null, name: string];
const isPlace = (place: readonly unknown[]): place is Place =>
  (place[0] === null || Number.isFinite(place[0])) && typeof place[1] === 'string';

export async function pageOfJobs(
  scheduler: SchedulerHandle,
  asked: {
    readonly filter: JobFilter;
    readonly sort: JobOrder;
    readonly descending: boolean;
    readonly limit: number;
    readonly cursor: string | undefined;
  },
): Promise<JobPage> {
  const { filter, sort, limit, cursor } = asked;
  const place = cursor === undefined ? null : decodeCursor(cursor, isPlace);
  if (sort === 'p50' || sort === 'p95') await readRunTimes(scheduler.look());
  const look = scheduler.look();
  const ranked = look.ranked(sort, asked.descending);
  const start = place === null ? 0 : ranked.behind(...place);
  const passes = passing(scheduler, filter);
  const all = passesAll(filter);
  const places: number[] = [];
  let total = all ? ranked.count : 0;
  // Nobody has to be looked at for the total where every job counts.
  const end = all ? Math.min(ranked.count, start + limit + 1) : ranked.count;
  for (let at = all ? start : 0; at < end; at++) {
    if (at % SLICE === SLICE - 1) await breathe();
    if (!passes(ranked.at(at))) continue;
    if (!all) total++;
    if (at >= start && places.length <= limit) places.push(at);
  }
  return pageAt(look, ranked, { places, limit, total });
}

function pageAt(
  { glance }: Look,
  ranked: RankedJobs,
  { places, limit, total }: { places: number[]; limit: number; total: number },
): JobPage {
  const shown = places.slice(0, limit);
  const last = shown.at(-1);
  const next =
    places.length > limit && last !== undefined
      ? encodeCursor([ranked.key(last), ranked.at(last).job.name])
      : null;
  // Some may have been deleted while others had a turn.
  const jobs = shown.flatMap((at) => glance(ranked.at(at).job.name) ?? []);
  return { jobs, next, total };
}

/** Reads what is remembered from then on; without it the first such order would hold up everything else. */
export async function readRunTimes({ ranked }: Look): Promise<void> {
  const jobs = ranked('name', false);
  let read = 0;
  for (let at = 0; at < jobs.count; at++) {
    const { stats } = jobs.at(at);
    if (stats === null || knowsRunTimes(stats)) continue;
    runTimes(stats);
    if (++read % READ_SLICE === 0) await breathe();
  }
}

export async function rowsOf(
  scheduler: SchedulerHandle,
  recent: RecentRuns,
  jobs: readonly JobGlance[],
): Promise<WireJobRow[]> {
  const strips = await recent.of(jobs);
  const now = scheduler.now();
  const { lacking } = scheduler.look();
  return jobs.map((glance, index) => {
    const { job, runs, stats, state } = glance;
    const { p50Ms, p95Ms } = runTimes(stats);
    return {
      name: job.name,
      owner: job.definition.owner ?? null,
      labels: job.definition.labels ?? {},
      scheduleText: scheduleText(glance),
      timezone: job.definition.schedule?.timezone ?? 'UTC',
      nextDue: isoOrNull(nextDueOf(glance)),
      status: statusOf(glance),
      statusReason: statusReason(glance),
      running: runs.filter((run) => isRunning(run.state)).length,
      waiting: runs.filter((run) => isWaiting(run.state)).length,
      late: lateness(glance, now, lacking)?.reason ?? null,
      consecutiveFailures: state.consecutiveFailures,
      recent: (strips[index] ?? []).map(({ id, state, due }) => ({ id, state, due: iso(due) })),
      p50Ms,
      p95Ms,
    };
  });
}
