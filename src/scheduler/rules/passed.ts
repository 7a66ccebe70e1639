/**
 * Due times of a schedule up to the time when its job is submitted, and what happens to them at once.
 * Validation, dry runs and the preview show it in advance, by the rules of due.ts.
 */

import type { Policy } from '../job/policy.ts';
import { instantsBetween } from '../schedule/between.ts';
import type { Schedule } from '../schedule/model.ts';
import { nextInstant } from '../schedule/next.ts';
import { COUNT_LIMIT } from '../state/decided.ts';
import { BEFORE_ALL } from '../state/fresh-cursor.ts';
import { chooseRuns, MAX_ON_TIME, ON_TIME_MS } from './due.ts';

export interface Putting {
  readonly schedule: Schedule;
  readonly policy: Policy;
  /** Due times up to this one are decided or irrelevant for the job. */
  readonly cursor: number;
  readonly now: number;
  /** The job is paused or disabled. */
  readonly idle: boolean;
}

export interface Passed {
  /** The due times up to now that run as if they were to come, ascending. */
  readonly onTime: readonly number[];
  /** Warnings about effects that the author of the schedule may not expect. */
  readonly warnings: string[];
}

/** Which due times run as soon as the job is stored, and what its author should know about them. */
export function passedBy(putting: Putting): Passed {
  const { schedule, cursor, now, idle } = putting;
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
    return {
      onTime: [],
      warnings: over && had ? ['every due time of the schedule has passed: it starts no run'] : [],
    };
  }
  const isOnTime = (due: number) => now - due <= ON_TIME_MS;
  const runs = idle ? [] : chooseRuns(putting.policy, last, now);
  const areOnTime = !idle && count === last.filter(isOnTime).length;
  const upTo = new Date(newest).toISOString();
  const passed =
    count === 1
      ? `the due time ${upTo} ${areOnTime ? 'is now' : 'has passed'}`
      : `${more ? `more than ${count}` : count} due times up to ${upTo} ${areOnTime ? 'are now' : 'have passed'}`;
  const fate = areOnTime ? onTimeFate(putting, count) : fateOf(putting, runs.length);
  return {
    onTime: runs.filter(isOnTime),
    warnings: [`${passed}: ${fate}${over ? '; no due time follows' : ''}`],
  };
}

function keptOf(putting: Putting): number {
  const { catchUp, catchUpLimit } = putting.policy;
  return MAX_ON_TIME + (catchUp === 'latest' ? 1 : catchUpLimit);
}

/** They run as if they were to come. */
const onTimeFate = ({ policy }: Putting, count: number): string =>
  count === 1 ? 'one run starts at once' : `they start at once (policy.overlap: ${policy.overlap})`;

function fateOf({ policy, idle }: Putting, runs: number): string {
  if (idle) return 'skipped, because the job is paused or disabled';
  if (runs === 0)
    return policy.startWithinMs === null
      ? 'missed (policy.catchUp: none)'
      : 'missed (outside policy.startWithin)';
  const times = runs === 1 ? 'one run starts' : `${runs} runs start`;
  const how = runs === 1 || policy.overlap === 'allow' ? 'at once' : 'one after the other';
  return `${times} ${how} to catch up (policy.catchUp: ${policy.catchUp})`;
}
