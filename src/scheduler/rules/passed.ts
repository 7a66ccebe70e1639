/**
 * Due times of a schedule before its job was submitted, and what happens to them at once. Validation, dry
 * runs and the preview show it in advance, by the rules of due.ts.
 */

import type { PolicyDefinition } from '../job/definition.ts';
import { policyOf } from '../job/policy.ts';
import { instantsBetween } from '../schedule/between.ts';
import type { Schedule } from '../schedule/model.ts';
import { nextInstant } from '../schedule/next.ts';
import { COUNT_LIMIT } from '../state/decided.ts';
import { BEFORE_ALL } from '../state/state.ts';
import { chooseRuns, MAX_ON_TIME, ON_TIME_MS } from './due.ts';

export interface Putting {
  readonly schedule: Schedule;
  readonly policy: PolicyDefinition | undefined;
  /** Due times up to this one are decided or irrelevant for the job. */
  readonly cursor: number;
  readonly now: number;
  /** The job is paused or disabled. */
  readonly idle: boolean;
}

/** Warnings about effects that the author of the schedule may not expect. */
export function passedWarnings(putting: Putting): string[] {
  const { schedule, cursor, now } = putting;
  const over = nextInstant(schedule, now) === null;
  const keep = keptOf(putting);
  const { count, more, last } = instantsBetween(schedule, {
    afterMs: cursor,
    upToMs: now,
    keep,
    countLimit: COUNT_LIMIT,
  });
  const newest = last.at(-1);
  if (newest === undefined) {
    const had = nextInstant(schedule, BEFORE_ALL) !== null;
    return over && had ? ['every due time of the schedule has passed: it starts no run'] : [];
  }
  // All of them are on time: they run like future ones, unless the job is idle.
  if (!putting.idle && count === last.filter((due) => now - due <= ON_TIME_MS).length) return [];
  const many = more ? `more than ${count}` : count;
  const passed =
    count === 1
      ? `the due time ${new Date(newest).toISOString()} has passed`
      : `${many} due times up to ${new Date(newest).toISOString()} have passed`;
  return [`${passed}: ${fateOf(putting, last)}${over ? '; no due time follows' : ''}`];
}

function keptOf(putting: Putting): number {
  const { catchUp, catchUpLimit } = policyOf(putting.policy);
  return MAX_ON_TIME + (catchUp === 'latest' ? 1 : catchUpLimit);
}

function fateOf({ policy: written, idle, now }: Putting, last: readonly number[]): string {
  if (idle) return 'skipped, because the job is paused or disabled';
  const policy = policyOf(written);
  const runs = chooseRuns(policy, last, now).length;
  if (runs === 0)
    return policy.startWithinMs === null
      ? 'missed (policy.catchUp: none)'
      : 'missed (outside policy.startWithin)';
  const times = runs === 1 ? 'one run starts' : `${runs} runs start`;
  const how = runs === 1 || policy.overlap === 'allow' ? 'at once' : 'one after the other';
  return `${times} ${how} to catch up (policy.catchUp: ${policy.catchUp})`;
}
