/** Which calendars a job names. */

import type { JobDefinition } from '../definition.ts';

/** A stored definition may be of another version. */
export function calendarsIn({ schedule }: Pick<JobDefinition, 'schedule'>): string[] {
  const { except, only } = schedule?.calendar ?? {};
  return [except, only].filter((name) => typeof name === 'string');
}
