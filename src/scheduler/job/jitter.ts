/** `schedule.jitter`: how much later than its due time a run starts, so that jobs with the same due time do not start at once. */

import { durationMs } from '../schedule/period.ts';
import type { JobDefinition } from './definition.ts';
import { hash53 } from './hash.ts';

/** Longer than any period with which jobs are spread; a run that waits is unfinished meanwhile. */
export const MAX_JITTER_MS = 86_400_000;

/** From 0 up to the jitter, in whole milliseconds: the same on every node. 0 for a job without. */
export function jitterOf({ name, schedule }: Pick<JobDefinition, 'name' | 'schedule'>, due: number): number {
  if (schedule?.jitter === undefined) return 0;
  const mostMs = durationMs(schedule.jitter, 'schedule.jitter');
  return Math.floor((hash53(`${name}/${due}`) / 2 ** 53) * mostMs);
}
