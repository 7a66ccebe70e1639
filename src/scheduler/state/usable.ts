/**
 * What can make a stored job unusable here: a zone unknown to this machine, or a schedule or policy of
 * another version. It was accepted once, so it cannot be refused, and it concerns only this job, so it does
 * not keep the node from leading. Such a job is blocked with the reason until it is edited, or a node that
 * can read it leads.
 */

import { CarillonError } from '../../errors.ts';
import type { AfterDefinition, JobDefinition } from '../job/definition.ts';
import { jitterOf } from '../job/jitter.ts';
import { withDefaults } from '../job/params.ts';
import { parentNames, parentObjects, roundIntervals } from '../job/parents.ts';
import { checkPolicy } from '../job/policy.ts';
import { words } from '../job/schema/parts.ts';
import { isObject, knownWord, noForm } from '../job/stored-form.ts';
import { parseTemplates } from '../job/template.ts';
import { calendarChoice, timezoneOf } from '../job/time-schedule.ts';
import type { Job } from '../model/model.ts';
import type { Calendar } from '../schedule/calendar/calendar.ts';
import { leavingOut } from '../schedule/calendar/compile.ts';
import type { Exception, OpenSchedule, Schedule } from '../schedule/model.ts';
import { compileSchedule } from '../schedule/parse.ts';
import { durationMs } from '../schedule/period.ts';
import { zoneOf } from '../schedule/zone.ts';

/** A job as far as it is usable: without schedule, parents and policy if it is blocked. */
export interface Usable {
  readonly schedule: Schedule | null;
  readonly parents: readonly string[];
  /** Why it is blocked. Null: it is not. */
  readonly fault: string | null;
}

/** What is taken out of a job's due times. */
export interface Takes {
  /** Undefined: there is no such calendar. Null: nothing is known of calendars yet. */
  readonly find: ((name: string) => Calendar | undefined) | null;
  readonly exceptions?: readonly Exception[];
}

export function usableJob({ definition, resolved, templates }: Job, takes: Takes = { find: null }): Usable {
  const read = whatThrows(() => {
    checkPolicy(definition.policy);
    withDefaults(definition.params, {});
    if (templates === true) parseTemplates(definition);
    const parents = parentsIn(definition.schedule);
    checkExpect(definition);
    jitterOf(definition, 0);
    checkAfter(definition.schedule?.after);
    const schedule = resolved === null ? null : withCalendar(compileSchedule(resolved), definition, takes);
    return { schedule, parents, fault: null };
  });
  return typeof read === 'string' ? { schedule: null, parents: [], fault: read } : read;
}

/** The schedule as far as the calendar and the exceptions leave it. UNKNOWN_CALENDAR. */
export function withCalendar(
  schedule: OpenSchedule,
  definition: Pick<JobDefinition, 'schedule'>,
  { find, exceptions = [] }: Takes,
): Schedule {
  const choice = calendarChoice(definition.schedule);
  const name = choice?.except ?? choice?.only;
  const calendar = name === undefined ? null : (find?.(name) ?? null);
  if (calendar === null && name !== undefined && find !== null)
    throw new CarillonError('UNKNOWN_CALENDAR', `There is no calendar named '${name}'.`, {
      field: 'schedule.calendar',
      value: name,
    });
  return leavingOut(schedule, { choice, calendar, exceptions });
}

/** A schedule of an unknown form does not make the job manual. */
function parentsIn(schedule: JobDefinition['schedule']): string[] {
  if (schedule === undefined) return [];
  if (!isObject(schedule)) throw noForm('schedule', schedule, 'object');
  const { after } = schedule;
  if (after === undefined) return [];
  if (!isObject(after)) throw noForm('schedule.after', after, 'object');
  if (!Array.isArray(after.parents)) throw noForm('schedule.after.parents', after.parents, 'list');
  return parentNames(after);
}

/** For an unknown value it is undefined which results of the parents count, and in which round. */
function checkAfter(after: AfterDefinition | undefined): void {
  if (after === undefined) return;
  if (after.when !== undefined) knownWord('schedule.after.when', after.when, words.when);
  for (const { when, per } of parentObjects(after)) {
    if (when !== undefined) knownWord('schedule.after.parents.when', when, words.parentWhen);
    if (per !== undefined) knownWord('schedule.after.parents.per', per, words.per);
  }
  if (after.per !== undefined) knownWord('schedule.after.per', after.per, words.per);
  if (after.weekStart !== undefined) knownWord('schedule.after.weekStart', after.weekStart, words.weekday);
  roundIntervals(after);
}

function checkExpect({ expect, schedule }: JobDefinition): void {
  if (expect?.startWithin !== undefined) durationMs(expect.startWithin, 'expect.startWithin');
  if (expect?.finishBy !== undefined) zoneOf(timezoneOf(schedule));
}

/**
 * The result, or a message why a stored job gives none. For code that reads a stored definition: an exception
 * there would otherwise end the leadership.
 */
export function whatThrows<T extends object>(of: () => T): T | string {
  try {
    return of();
  } catch (error) {
    if (error instanceof CarillonError) return error.message;
    return `the job cannot be read by this version: ${error instanceof Error ? error.message : String(error)}`;
  }
}
