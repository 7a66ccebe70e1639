/**
 * What keeps one stored job from being used here: a zone that this machine does not know, a schedule or a policy of
 * another version. It was accepted once, so it is no request to refuse; and it concerns this job alone, so it keeps no
 * node from leading. Such a job is held with its reason until it is edited, or a node that can read it leads.
 */

import { CarillonError } from '../../errors.ts';
import type { JobDefinition } from '../job/definition.ts';
import { checkPolicy } from '../job/policy.ts';
import { words } from '../job/schema/parts.ts';
import { isObject, knownWord, noForm } from '../job/stored-form.ts';
import type { Job } from '../model/model.ts';
import type { Schedule } from '../schedule/model.ts';
import { compileSchedule } from '../schedule/parse.ts';
import { durationMs } from '../schedule/period.ts';
import { zoneOf } from '../schedule/zone.ts';

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
    const when = definition.schedule?.after?.when;
    // Of another word it can't be said what the parents must have done.
    if (when !== undefined) knownWord('schedule.after.when', when, words.when);
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
