/** Which due times of which jobs a backfill is for: those of the schedules, by what became of them. */

import { CarillonError } from '../../../errors.ts';
import type { BackfillTarget } from '../../../scheduler/command.ts';
import type { SchedulerHandle } from '../../../scheduler/handle.ts';
import { isExternal } from '../../../scheduler/job/external.ts';
import type { BackfillOptions, Fate } from '../../../scheduler/model/backfill.ts';
import { isEnded } from '../../../scheduler/model/run-state.ts';
import { drivingSchedule, dueTimes, nearestDueTimes } from '../../../scheduler/read/due-times.ts';
import { covering, type FateLine, fateOf, laidOver } from '../../../scheduler/read/fates.ts';
import { MAX_STEPS } from '../../../scheduler/rules/backfill/plan.ts';
import type { Reading } from '../../context.ts';
import { jobsThat } from '../../lists/job-filter.ts';
import type { WireNewBackfill } from '../../wire/backfills.ts';
import { iso } from '../../wire/instants.ts';
import { apiLimits } from '../../wire/limits.ts';

/** Entries of a job's ledger: a bit more than stores keep. */
const MAX_LINES = 6_000;

type Range = Pick<BackfillOptions, 'from' | 'to' | 'only'>;

export interface Chosen {
  readonly targets: readonly BackfillTarget[];
  /** Due times that were left out, because their own run has not ended. */
  readonly unfinished: number;
}

/** JOB_NOT_FOUND, NO_DUE_TIMES, LIMIT_EXCEEDED. */
export async function chooseTargets(reading: Reading, asked: WireNewBackfill, range: Range): Promise<Chosen> {
  const { scheduler } = reading;
  const names = await namesOf(reading, asked);
  const targets: BackfillTarget[] = [];
  let unfinished = 0;
  let steps = 0;
  for (const job of names) {
    const chosen = await chosenOf(scheduler, job, range);
    unfinished += chosen.unfinished;
    steps += chosen.dues.length;
    if (steps > MAX_STEPS) throw tooMany();
    if (chosen.dues.length > 0) targets.push({ job, dues: chosen.dues });
  }
  if (targets.length === 0) throw nothingIn(scheduler, names, range, unfinished);
  return { targets, unfinished };
}

async function namesOf(reading: Reading, { jobs, filter }: WireNewBackfill): Promise<string[]> {
  if ((jobs === undefined) === (filter === undefined))
    throw new CarillonError('INVALID_FIELD', 'A backfill is for jobs or for a filter, and for one of both.', {
      field: 'jobs',
      allowed: 'jobs: names of jobs; or filter: q, label and owner',
    });
  if (jobs !== undefined)
    return [...new Set(jobs)].sort().map((name) => reading.scheduler.job(name).job.name);
  const names: string[] = [];
  for await (const { job } of jobsThat(reading, filter ?? {})) {
    if (isExternal(job.definition)) continue;
    names.push(job.name);
    if (names.length > apiLimits.backfillJobs)
      throw new CarillonError(
        'LIMIT_EXCEEDED',
        `The filter matches more than ${apiLimits.backfillJobs} jobs.`,
        {
          field: 'filter',
          allowed: `at most ${apiLimits.backfillJobs} jobs`,
        },
      );
  }
  return names;
}

async function chosenOf(
  scheduler: SchedulerHandle,
  job: string,
  { from, to, only }: Range,
): Promise<{ readonly dues: readonly number[]; readonly unfinished: number }> {
  const reader = scheduler.reader();
  const schedule = drivingSchedule(reader, job);
  const live = new Set(
    (reader.glance(job)?.runs ?? [])
      .filter(({ variant, state }) => variant === '' && !isEnded(state))
      .map(({ due }) => due),
  );
  const lines = schedule === null || only.length > 0 ? await linesOf(scheduler, job, from, to) : [];
  // One more than may be, so that it is noticed.
  const dues = schedule === null ? ownDues(lines, from) : dueTimes(schedule, from, to, MAX_STEPS + 1);
  const ended = dues.filter((due) => !live.has(due));
  const by = covering(lines, ended);
  const isWanted = (i: number): boolean =>
    only.length === 0 || (only as readonly Fate[]).includes(fateOf(by[i]));
  return { dues: ended.filter((_, i) => isWanted(i)), unfinished: dues.length - ended.length };
}

/** A job whose parents have different due times has those at which it ran or was skipped. */
const ownDues = (lines: readonly FateLine[], from: number): number[] =>
  lines.filter((line) => line.count === 1 && line.from >= from).map((line) => line.from);

/** What became of the job's due times in [from, below). */
export async function linesOf(
  { archive, reader }: SchedulerHandle,
  job: string,
  from: number,
  below: number,
): Promise<FateLine[]> {
  const lines = await archive.ledger({ job, fromMs: from, toMs: below, limit: MAX_LINES });
  const begin = Math.min(from, lines[0]?.from ?? from);
  const backfilled = await archive.past('backfilled', { owner: job, from: begin, below });
  return laidOver(lines, backfilled, reader().glance(job)?.schedule ?? null);
}

const tooMany = (): CarillonError =>
  new CarillonError('LIMIT_EXCEEDED', `The range has more than ${MAX_STEPS} due times.`, {
    field: 'from',
    allowed: `at most ${MAX_STEPS} due times: a shorter range, or fewer jobs`,
  });

function nothingIn(
  scheduler: SchedulerHandle,
  names: readonly string[],
  { from, to, only }: Range,
  unfinished: number,
): CarillonError {
  const [name] = names;
  const where = `from ${iso(from)} to ${iso(to)}`;
  const schedule = name === undefined ? null : drivingSchedule(scheduler.reader(), name);
  const refuse = (message: string, allowed: string): CarillonError =>
    new CarillonError('NO_DUE_TIMES', message, { field: 'from', value: iso(from), allowed });
  if (name === undefined) return refuse('The filter matches no job.', 'a filter that matches jobs');
  if (unfinished > 0)
    return refuse(
      `The runs of ${unfinished} due times ${where} have not ended.`,
      'due times whose own run has ended',
    );
  if (schedule === null && names.length === 1)
    return refuse(
      `The job '${name}' has no due times of its own ${where}: it has no schedule, and its parents have different ones.`,
      `due times at which it ran, or a backfill of its parents with downstream`,
    );
  if (schedule === null || names.length > 1 || dueTimes(schedule, from, to, 1).length > 0)
    return refuse(`No due time ${where} is ${only.join(' or ')}.`, 'another range, or more of only');
  const { before, after } = nearestDueTimes(schedule, { from, to, now: scheduler.now() });
  const near = [before, after].flatMap((at) => (at === null ? [] : [iso(at)]));
  return refuse(
    `The job '${name}' has no due time ${where}.`,
    near.length === 0 ? 'none: it has not been due yet' : `the nearest: ${near.join(' and ')}`,
  );
}
