/**
 * One page of the matching jobs, in any order. A page starts after the key and the name of the last job of
 * the previous page, so jobs that are created, deleted or reordered between two pages never repeat or hide
 * others.
 */

import type { JobGlance, JobOrder, JobReader, RankedJobs } from '../../scheduler/handle.ts';
import { timezoneOf } from '../../scheduler/job/time-schedule.ts';
import { isRunning, isWaiting } from '../../scheduler/model/run-state.ts';
import { HeldBack } from '../../scheduler/read/held-back.ts';
import { lateness } from '../../scheduler/read/late.ts';
import { nextDueOf, statusOf } from '../../scheduler/read/view.ts';
import { runTimes } from '../../scheduler/stats/run-times.ts';
import type { Reading } from '../context.ts';
import { iso, isoOrNull } from '../wire/instants.ts';
import { whyOf } from '../wire/reason.ts';
import type { WireJobRow } from '../wire/schema.ts';
import { labelsToWire, scheduleText, statusWhy } from '../wire/to-wire.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { type JobFilter, passesAll, passing } from './job-filter.ts';
import type { RecentRuns } from './recent-runs.ts';

export interface JobPage {
  readonly jobs: readonly JobGlance[];
  readonly next: string | null;
  readonly total: number;
}

/** [key of the last job of the previous page, its name]. */
type Position = readonly [key: number | null, name: string];
const isPosition = (position: readonly unknown[]): position is Position =>
  (position[0] === null || Number.isFinite(position[0])) && typeof position[1] === 'string';

export async function pageOfJobs(
  { scheduler, turns }: Reading,
  asked: {
    readonly filter: JobFilter;
    readonly sort: JobOrder;
    readonly descending: boolean;
    readonly limit: number;
    readonly cursor: string | undefined;
  },
): Promise<JobPage> {
  const { filter, sort, limit, cursor } = asked;
  const position = cursor === undefined ? null : decodeCursor(cursor, isPosition);
  const reader = scheduler.reader();
  const ranked = await turns.drive(reader.ranked(sort, asked.descending));
  const start = position === null ? 0 : ranked.behind(...position);
  const passes = passing(scheduler, filter);
  const all = passesAll(filter);
  const places: number[] = [];
  const turn = await turns.begin();
  let total = all ? ranked.count : 0;
  // Without a filter, the total is known without checking jobs.
  const end = all ? Math.min(ranked.count, start + limit + 1) : ranked.count;
  for (let at = all ? start : 0; at < end; at++) {
    if (turn.isOver()) await turn.next();
    if (!passes(ranked.at(at))) continue;
    if (!all) total++;
    if (at >= start && places.length <= limit) places.push(at);
  }
  return pageAt(reader, ranked, { places, limit, total });
}

function pageAt(
  { glance }: JobReader,
  ranked: RankedJobs,
  { places, limit, total }: { places: number[]; limit: number; total: number },
): JobPage {
  const shown = places.slice(0, limit);
  const last = shown.at(-1);
  const next =
    places.length > limit && last !== undefined
      ? encodeCursor([ranked.key(last), ranked.at(last).job.name])
      : null;
  // Jobs may have been deleted during other turns.
  const jobs = shown.flatMap((at) => glance(ranked.at(at).job.name) ?? []);
  return { jobs, next, total };
}

export async function rowsOf(
  { scheduler, turns }: Reading,
  recent: RecentRuns,
  jobs: readonly JobGlance[],
): Promise<WireJobRow[]> {
  const strips = await recent.of(jobs);
  const now = scheduler.now();
  const reader = scheduler.reader();
  const { lacking } = reader;
  const heldBack = new HeldBack(reader);
  return turns.each([...jobs.entries()], ([index, glance]) => {
    const { job, runs, stats, state } = glance;
    const { p50Ms, p95Ms } = runTimes(stats);
    const late = whyOf(lateness(glance, now, lacking)?.reason ?? null);
    return {
      name: job.name,
      ...labelsToWire(job),
      scheduleText: scheduleText(glance),
      timezone: timezoneOf(job.definition.schedule),
      nextDue: isoOrNull(nextDueOf(glance)),
      status: statusOf(glance),
      ...statusWhy(glance, heldBack),
      running: runs.filter((run) => isRunning(run.state)).length,
      waiting: runs.filter((run) => isWaiting(run.state)).length,
      late: late.reason,
      lateWhy: late.why,
      consecutiveFailures: state.consecutiveFailures,
      recent: (strips[index] ?? []).map(({ id, state, due }) => ({ id, state, due: iso(due) })),
      p50Ms,
      p95Ms,
    };
  });
}
