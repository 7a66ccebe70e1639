/**
 * Turns a definition into a job: fixes what depends on the time of acceptance (H, an omitted start) and
 * checks what depends on the installation (engines, pools). The caller checks parents, because it knows which
 * jobs exist.
 */

import { CarillonError, firstOf } from '../../errors.ts';
import { accessOf } from '../access/access.ts';
import type { Asker, Role } from '../access/principal.ts';
import type { Checked } from '../command.ts';
import { findProblems, findWarnings, timeScheduleOf } from '../job/check/check.ts';
import type { JobDefinition } from '../job/definition.ts';
import { isExternal } from '../job/external.ts';
import { unmasked } from '../job/masked.ts';
import { checkPolicy, policyFor } from '../job/policy.ts';
import { sameJson } from '../job/same.ts';
import { shorten } from '../job/schema/explain.ts';
import { hasTemplates, sampled } from '../job/template.ts';
import { timeSchedule } from '../job/time-schedule.ts';
import type { Job, JobState, Settings } from '../model/model.ts';
import { instantsBetween } from '../schedule/between.ts';
import type { Calendar } from '../schedule/calendar/calendar.ts';
import { MOST_DAYS_MOVED, MOST_MOVED } from '../schedule/calendar/schedule.ts';
import { DAY_MS } from '../schedule/civil.ts';
import type { Schedule, ScheduleInput } from '../schedule/model.ts';
import { nextInstant } from '../schedule/next.ts';
import { compileSchedule, resolveSchedule } from '../schedule/parse.ts';
import { resolveZoneName } from '../schedule/zone-name.ts';
import { unknownCalendar } from '../state/calendars.ts';
import { freshCursor } from '../state/fresh-cursor.ts';
import { type Takes, usableJob, withCalendar } from '../state/usable.ts';
import { checkAhead } from './coming.ts';
import { checkEngine, checkRunPolicy, isAllowed } from './engine-choice.ts';
import { type Passed, passedBy } from './passed.ts';

export interface CheckedAgainst {
  readonly settings: Settings;
  /** Finds the stored job of a name, whose credentials are kept; see masked.ts. */
  readonly stored: (name: string) => Job | null;
  readonly calendars: CalendarNames;
  readonly now: number;
  readonly asker: Asker | undefined;
}

/** The calendars that a job may name. */
export interface CalendarNames {
  readonly find: (name: string) => Calendar | undefined;
  names(): readonly string[];
}

/** Throws the first problem, carrying the others, with their source. */
export function checkJob(raw: unknown, source: string, against: CheckedAgainst): Checked {
  const { settings, stored, calendars, now, asker } = against;
  const problems = findProblems(raw, source);
  let definition = raw as JobDefinition;
  if (problems.length === 0) {
    for (const check of [
      () => {
        definition = unmasked(definition, stored(definition.name)?.definition ?? null, source);
      },
      () => {
        const { run } = sampled(definition);
        if (run !== undefined) checkEngine(run, settings);
      },
      () => checkPool(definition, settings),
      () => checkCalendars(definition, calendars),
      () => checkPolicy(definition.policy),
      () => checkAhead(definition, settings),
      () => {
        const before = stored(definition.name);
        if (problems.length > 0) return;
        if (before === null || !isUnchanged(before, definition, settings))
          checkRunPolicy(definition, roleOf(asker, definition), settings);
      },
    ]) {
      const problem = refusalOf(check, source);
      if (problem !== null) problems.push(problem);
    }
  }
  // The schedule of a valid job is resolved when its revision is created.
  const problem =
    problems.length === 0
      ? null
      : firstOf([...problems, ...scheduleProblems(raw, source, { now, known: problems })]);
  if (problem !== null) throw problem;
  return {
    definition,
    source,
    warnings: [...findWarnings(definition), ...unknownReceivers(definition, settings)],
  };
}

/**
 * Whether the job is what was put before. One that the run policy no longer allows to whoever put it is put anew, by one who may
 * more.
 */
export const isUnchanged = (before: Job, definition: JobDefinition, settings: Settings): boolean =>
  sameJson(before.definition, definition) &&
  (before.templates === true) === hasTemplates(definition) &&
  isAllowed(before, settings);

/** What the asker may on the job. Null: the program itself, or nothing. */
const roleOf = (asker: Asker | undefined, { name, labels }: JobDefinition): Role | null =>
  asker === undefined ? null : accessOf(asker.principal.bindings).roleOn({ name, labels });

/** Warnings about unknown receivers. Not refused, because another node may have them. */
function unknownReceivers(
  { alerts, heartbeat }: JobDefinition,
  { receivers = [], services = [] }: Settings,
): string[] {
  const unknown = (
    field: string,
    names: readonly string[],
    known: readonly string[],
    what: string,
  ): string[] =>
    names
      .filter((name) => !known.includes(name))
      .map((name) => {
        const all = known.length === 0 ? 'this server has none' : `${what}s: ${known.join(', ')}`;
        return `${field} names '${shorten(name)}', which is no ${what} (${all})`;
      });
  return [
    ...unknown('alerts.to', alerts?.to ?? [], receivers, 'receiver'),
    ...unknown('heartbeat.to', heartbeat?.to ?? [], services, 'heartbeat'),
  ];
}

/** Problems with the schedule of a job that has other problems, as far as they can be determined. */
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

/** Returns what `check` throws, with its source. */
function refusalOf(check: () => unknown, source: string): CarillonError | null {
  try {
    named(source, check);
    return null;
  } catch (error) {
    if (error instanceof CarillonError) return error;
    throw error;
  }
}

/** Returns the result of `check`; adds the source to what it throws. */
function named<T>(source: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof CarillonError)) throw error;
    throw error.from(source);
  }
}

/** The known ones are named. */
function checkCalendars({ schedule }: JobDefinition, { find, names }: CalendarNames): void {
  for (const field of ['except', 'only'] as const) {
    const name = schedule?.calendar?.[field];
    if (name !== undefined && find(name) === undefined)
      throw unknownCalendar(name, names(), {
        code: 'UNKNOWN_CALENDAR',
        field: `schedule.calendar.${field}`,
      });
  }
}

function checkPool(definition: JobDefinition, settings: Settings): void {
  const pool = definition.policy?.pool;
  if (pool === undefined || Object.hasOwn(settings.pools, pool)) return;
  throw new CarillonError('INVALID_FIELD', `The pool '${pool}' is not configured on this installation.`, {
    field: 'policy.pool',
    value: pool,
    allowed: Object.keys(settings.pools),
  });
}

/** What exists, or existed, under the name of a definition. */
export interface Known {
  readonly before: { readonly job: Job; readonly state: JobState } | null;
  /** The state of a removed job of that name. Null if the job exists. */
  readonly past: JobState | null;
}

/** Who puts a job, and when. */
export interface Stamp {
  readonly now: number;
  readonly by: string;
  readonly asker: Asker | undefined;
  readonly calendars: CalendarNames;
}

/** The next revision of the job, and where its schedule begins. */
export function nextRevision(
  checked: Checked,
  known: Known,
  stamp: Stamp,
): { job: Job; cursor: number | null; warnings: readonly string[] } {
  const { definition, source } = checked;
  const { before, past } = known;
  const role = roleOf(stamp.asker, definition);
  const { find } = stamp.calendars;
  const next = named(source, () => nextSchedule(definition, known, { now: stamp.now, find }));
  const { resolved, cursor, warnings, passed } = next;
  const job: Job = {
    name: definition.name,
    definition,
    resolved,
    revision: (before?.job.revision ?? past?.removed?.revision ?? 0) + 1,
    createdAt: before?.job.createdAt ?? stamp.now,
    ...(before?.job.restoredAt !== undefined && { restoredAt: before.job.restoredAt }),
    updatedAt: stamp.now,
    updatedBy: stamp.by,
    ...(role !== null && { role }),
    ...(hasTemplates(definition) && { templates: true as const }),
  };
  return { job, cursor, warnings: [...checked.warnings, ...warnings, ...passed.warnings] };
}

/** The part of a definition that decides its due times, and which of them run at once. */
export type Scheduled = Pick<JobDefinition, 'name' | 'schedule' | 'run' | 'policy' | 'paused'>;

export interface NextSchedule {
  /** Null for dependent and manual jobs. */
  readonly resolved: ScheduleInput | null;
  /** Where it begins. Null: it is unchanged and continues. */
  readonly cursor: number | null;
  /** Warnings about the schedule itself. */
  readonly warnings: readonly string[];
  readonly passed: Passed;
}

export interface NextAt extends Pick<Takes, 'find'> {
  readonly now: number;
}

/** The schedule of a job that is put, and what happens at once. */
export function nextSchedule(
  definition: Scheduled,
  { before, past }: Known,
  { now, find }: NextAt,
): NextSchedule {
  const input = timeSchedule(definition.schedule);
  const nothing = { warnings: [], passed: { onTime: [], warnings: [] } };
  // For a job that cannot be used, the fixed values are determined again.
  if (
    before !== null &&
    usableJob(before.job, { find }).fault === null &&
    sameJson(input, timeSchedule(before.job.definition.schedule))
  )
    return { resolved: before.job.resolved, cursor: null, ...nothing };
  if (input === null) {
    const zone = definition.schedule?.after?.timezone;
    const warning = zone === undefined ? null : resolveZoneName(zone, 'schedule.after.timezone').warning;
    return { resolved: null, cursor: now, ...nothing, warnings: warning === null ? [] : [warning] };
  }
  const { resolved, warnings } = resolveSchedule(input, { hashSeed: definition.name, now });
  const schedule = compileSchedule(resolved);
  // A job that is created again with its old schedule continues it. Due times while it was deleted do not
  // count.
  const isNew = before === null && !sameJson(past?.removed?.resolved ?? null, resolved);
  // Nobody was asked to report before.
  const first = isNew && isExternal(definition) ? now : firstCursor(schedule, isNew, now);
  // A cursor in the future returns to now; see `takeBack`.
  const cursor = Math.max(first, Math.min((before?.state ?? past)?.cursor ?? first, now));
  const paused = definition.paused ?? (before?.state.paused ?? null) !== null;
  const idle = paused || (before?.state.disabled ?? null) !== null;
  const left = withCalendar(schedule, definition, { find });
  checkMoved(definition, schedule, now);
  const passed = passedBy({ schedule: left, policy: policyFor(definition), cursor, now, idle });
  return { resolved, cursor, warnings, passed };
}

/** Runs that are due often have no place on another day. */
function checkMoved({ schedule }: Scheduled, open: Schedule, now: number): void {
  const { then = 'skip' } = schedule?.calendar ?? {};
  if (then === 'skip') return;
  const month = { afterMs: now, upToMs: now + MOST_DAYS_MOVED * DAY_MS, keep: 0, countLimit: MOST_MOVED };
  if (!instantsBetween(open, month).more) return;
  throw new CarillonError(
    'INVALID_FIELD',
    `schedule.calendar.then is ${then}, but the schedule has more than ${MOST_MOVED} due times in ${MOST_DAYS_MOVED} days.`,
    { field: 'schedule.calendar.then', value: then, allowed: 'skip' },
  );
}

/** An anchor that was rounded down to its second counts as now. */
const ANCHOR_MS = 1_000;

/**
 * A new job begins where its schedule begins. A changed schedule applies from now on: due times that it would
 * have had before do not count, unless the schedule begins with this change.
 */
function firstCursor(schedule: Schedule, isNew: boolean, now: number): number {
  if (isNew) return freshCursor(schedule, now);
  const begins = nextInstant(schedule, now - ANCHOR_MS - 1);
  const fromStart = freshCursor(schedule, now);
  return begins !== null && begins <= now && fromStart === begins - 1 ? fromStart : now;
}
