/** What a definition says about its due times. */

import type { MemberInput, ScheduleInput } from '../schedule/model.ts';
import type { JobDefinition } from './definition.ts';

/** The part that determines the due times. Null for dependent and manual jobs. */
export function timeSchedule(schedule: JobDefinition['schedule']): ScheduleInput | null {
  if (schedule === undefined || schedule.after !== undefined) return null;
  const { after: _, jitter: _jitter, any, ...input } = schedule;
  if (any === undefined) return input as MemberInput;
  return { any: any.map(({ params: _params, ...member }) => member as MemberInput) };
}

/** The zone in which the job's times are shown and its deadlines are: that of its schedule, or of the first of several. */
export function timezoneOf(schedule: JobDefinition['schedule']): string {
  return schedule?.timezone ?? schedule?.any?.[0]?.timezone ?? 'UTC';
}
