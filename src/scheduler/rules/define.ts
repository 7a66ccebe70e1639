/**
 * From a definition to a job: what must be fixed at this moment (H, an omitted start) is fixed, and what
 * depends on the installation (engines, pools) is checked. Parents are for the caller, who knows which jobs
 * there are.
 */

import { CarillonError, firstOf } from '../../errors.ts';
import type { Checked } from '../command.ts';
import { findProblems, findWarnings, timeScheduleOf } from '../job/check/check.ts';
import type { JobDefinition } from '../job/definition.ts';
import { unmasked } from '../job/masked.ts';
import { checkPolicy } from '../job/policy.ts';
import { sameJson } from '../job/same.ts';
import type { Job, JobState, Settings } from '../model/model.ts';
import type { Schedule, ScheduleInput } from '../schedule/model.ts';
import { nextInstant } from '../schedule/next.ts';
import { compileSchedule, resolveSchedule } from '../schedule/parse.ts';
import { freshCursor } from '../state/state.ts';
import { usableJob } from '../state/usable.ts';
import { checkAhead } from './coming.ts';
import { checkEngine } from './engine-choice.ts';
import { passedWarnings } from './passed.ts';

export interface CheckedAgainst {
  readonly settings: Settings;
  /** The job of a name, whose credentials are kept; see masked.ts. */
  readonly stored: (name: string) => JobDefinition | null;
  readonly now: number;
}

/** Throws the first problem with the others, their source named. */
export function checkJob(raw: unknown, source: string, { settings, stored, now }: CheckedAgainst): Checked {
  const problems = findProblems(raw, source);
  let definition = raw as JobDefinition;
  if (problems.length === 0) {
    for (const check of [
      () => {
        definition = unmasked(definition, stored(definition.name), source);
      },
      () => checkEngine(definition.run, settings),
      () => checkPool(definition, settings),
      () => checkPolicy(definition.policy),
      () => checkAhead(definition, settings),
    ]) {
      const problem = refusalOf(check, source);
      if (problem !== null) problems.push(problem);
    }
  }
  // The schedule of a sound job is resolved when its revision is made.
  const problem =
    problems.length === 0
      ? null
      : firstOf([...problems, ...scheduleProblems(raw, source, { now, known: problems })]);
  if (problem !== null) throw problem;
  return { definition, source, warnings: findWarnings(definition) };
}

/** What is wrong with the schedule of a job that has other faults: as far as it can be told. */
export function scheduleProblems(
  raw: unknown,
  source: string,
  { now, known }: { readonly now: number; readonly known: readonly CarillonError[] },
): CarillonError[] {
  if (known.some(({ details }) => details.field === undefined || details.field.startsWith('schedule')))
    return [];
  const schedule = timeScheduleOf(raw);
  if (schedule === null) return [];
  const { name } = raw as Partial<JobDefinition>;
  const hashSeed = typeof name === 'string' ? name : '';
  const problem = refusalOf(() => resolveSchedule(schedule, { hashSeed, now }), source);
  return problem === null ? [] : [problem];
}

/** What `check` throws, its source named. */
function refusalOf(check: () => unknown, source: string): CarillonError | null {
  try {
    named(source, check);
    return null;
  } catch (error) {
    if (error instanceof CarillonError) return error;
    throw error;
  }
}

/** What `check` answers; what it throws has its source named. */
function named<T>(source: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof CarillonError)) throw error;
    throw error.from(source);
  }
}

function checkPool(definition: JobDefinition, settings: Settings): void {
  const pool = definition.policy?.pool;
  if (pool === undefined || Object.hasOwn(settings.pools, pool)) return;
  throw new CarillonError('INVALID_FIELD', `the pool '${pool}' is not configured here`, {
    field: 'policy.pool',
    value: pool,
    allowed: Object.keys(settings.pools),
  });
}

/** What the author of a new job may not expect of its schedule, in sentences; `resolved` is its schedule. */
export function newJobWarnings(
  { policy, paused = false }: Pick<JobDefinition, 'policy' | 'paused'>,
  resolved: ScheduleInput,
  now: number,
): string[] {
  const schedule = compileSchedule(resolved);
  return passedWarnings({ schedule, policy, cursor: freshCursor(schedule, now), now, idle: paused });
}

/** The part of a definition that says at which instants the job is due; null for `after` and manual jobs. */
export function timeSchedule(definition: JobDefinition): ScheduleInput | null {
  const { schedule } = definition;
  if (schedule === undefined || schedule.after !== undefined) return null;
  const { after: _, ...input } = schedule;
  return input as ScheduleInput;
}

/** What there is, or was, under the name of a definition. */
export interface Known {
  readonly before: { readonly job: Job; readonly state: JobState } | null;
  /** The state of a removed job of that name; null where there is a job. */
  readonly past: JobState | null;
}

/** The next revision of the job, and how its schedule begins. */
export function nextRevision(
  checked: Checked,
  { before, past }: Known,
  stamp: { readonly now: number; readonly by: string },
): { job: Job; cursor: number | null; warnings: readonly string[] } {
  const { definition, source } = checked;
  const input = timeSchedule(definition);
  // What was fixed for a job that can't be used is fixed anew.
  const unchanged =
    before !== null &&
    usableJob(before.job).fault === null &&
    sameJson(input, timeSchedule(before.job.definition));
  const warnings = [...checked.warnings];
  let resolved = unchanged ? before.job.resolved : null;
  if (input !== null && !unchanged) {
    const context = { hashSeed: definition.name, now: stamp.now };
    const fixed = named(source, () => resolveSchedule(input, context));
    resolved = fixed.resolved;
    warnings.push(...fixed.warnings);
  }
  const job: Job = {
    name: definition.name,
    definition,
    resolved,
    revision: (before?.job.revision ?? past?.removed?.revision ?? 0) + 1,
    createdAt: before?.job.createdAt ?? stamp.now,
    ...(before?.job.restoredAt !== undefined && { restoredAt: before.job.restoredAt }),
    updatedAt: stamp.now,
    updatedBy: stamp.by,
  };
  if (unchanged || resolved === null) return { job, cursor: unchanged ? null : stamp.now, warnings };
  const schedule = compileSchedule(resolved);
  // A job that comes back with its schedule continues; what was due while it was away is of no concern to it.
  const isNew = before === null && !sameJson(past?.removed?.resolved ?? null, resolved);
  const first = firstCursor(schedule, isNew, stamp.now);
  // A cursor in the future goes back to now; see `takeBack`.
  const cursor = Math.max(first, Math.min((before?.state ?? past)?.cursor ?? first, stamp.now));
  const paused = definition.paused ?? (before?.state.paused ?? null) !== null;
  const idle = paused || (before?.state.disabled ?? null) !== null;
  warnings.push(...passedWarnings({ schedule, policy: definition.policy, cursor, now: stamp.now, idle }));
  return { job, cursor, warnings };
}

/** An anchor that was cut to its second counts as now. */
const ANCHOR_MS = 1_000;

/**
 * A new job begins where its schedule does. A changed schedule holds from now on: instants it would have had
 * before the change are nobody's loss, unless it begins with this change.
 */
function firstCursor(schedule: Schedule, isNew: boolean, now: number): number {
  if (isNew) return freshCursor(schedule, now);
  const begins = nextInstant(schedule, now - ANCHOR_MS - 1);
  const fromStart = freshCursor(schedule, now);
  return begins !== null && begins <= now && fromStart === begins - 1 ? fromStart : now;
}
