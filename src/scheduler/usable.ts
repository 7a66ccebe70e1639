/**
 * What keeps one stored job from being used here: a zone that this machine does not know, a schedule or a policy of
 * another version. It was accepted once, so it is no request to refuse; and it concerns this job alone, so it keeps no
 * node from leading. Such a job is held with its reason until it is edited, or a node that can read it leads.
 */

import type { Trigger } from '../dag/ready.ts';
import { CarillonError } from '../errors.ts';
import type { JobDefinition } from './definition.ts';
import type { Job } from './model.ts';
import { checkPolicy } from './policy.ts';
import type { Schedule } from './schedule/model.ts';
import { compileSchedule } from './schedule/parse.ts';
import { durationMs } from './schedule/period.ts';
import { zoneOf } from './schedule/zone.ts';

/** A job as far as it can be used: without a schedule, parents and policy when it is held. */
export interface Usable {
  readonly schedule: Schedule | null;
  readonly parents: readonly string[];
  /** Why it is held; null: it is not. */
  readonly fault: string | null;
}

export function usableJob({ definition, resolved }: Job): Usable {
  const read = whatThrows(() => {
    checkPolicy(definition.policy);
    const parents = parentsIn(definition.schedule);
    checkExpect(definition);
    checkTrigger(definition.schedule?.after?.when);
    const schedule = resolved === null ? null : compileSchedule(resolved);
    return { schedule, parents, fault: null };
  });
  return typeof read === 'string' ? { schedule: null, parents: [], fault: read } : read;
}

/** A schedule of another form does not make a job that runs by hand only. */
function parentsIn(schedule: JobDefinition['schedule']): string[] {
  if (schedule === undefined) return [];
  if (!isObject(schedule)) throw noForm('schedule', schedule, 'object');
  const { after } = schedule;
  if (after === undefined) return [];
  if (!isObject(after)) throw noForm('schedule.after', after, 'object');
  if (!Array.isArray(after.parents)) throw noForm('schedule.after.parents', after.parents, 'list');
  return [...after.parents];
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

function noForm(field: string, value: unknown, form: 'object' | 'list'): CarillonError {
  const message = `${field} is no ${form}: ${JSON.stringify(value)}`;
  return new CarillonError('INVALID_FIELD', message, { field });
}

const triggers: readonly unknown[] = [
  'all-succeeded',
  'all-done',
  'any-succeeded',
  'all-failed',
  'any-failed',
] satisfies Trigger[];

/** Of a word that is not known here it can't be said what its parents must have done. */
function checkTrigger(when: unknown): void {
  if (when === undefined || triggers.includes(when)) return;
  const field = 'schedule.after.when';
  const message = `${field} is not one of ${triggers.join(', ')}: ${JSON.stringify(when)}`;
  throw new CarillonError('INVALID_FIELD', message, { field, value: when, allowed: triggers as string[] });
}

function checkExpect({ expect, schedule }: JobDefinition): void {
  if (expect?.startWithin !== undefined) durationMs(expect.startWithin, 'expect.startWithin');
  if (expect?.finishBy !== undefined && schedule?.timezone !== undefined) zoneOf(schedule.timezone);
}

/**
 * The result, or in a sentence why a stored job does not give one. For whatever reads a definition behind its
 * submission: what throws there would otherwise end the leadership.
 */
export function whatThrows<T extends object>(of: () => T): T | string {
  try {
    return of();
  } catch (error) {
    if (error instanceof CarillonError) return error.message;
    return `the job can not be read by this version: ${error instanceof Error ? error.message : String(error)}`;
  }
}
