/** What a definition says about its due times. */

import type { CalendarChoice, MemberInput, ScheduleInput } from '../schedule/model.ts';
import type { JobDefinition } from './definition.ts';
import { isObject, knownWord, noForm } from './stored-form.ts';

/** The part that determines the due times. Null for dependent and manual jobs. */
export function timeSchedule(schedule: JobDefinition['schedule']): ScheduleInput | null {
  if (schedule === undefined || schedule.after !== undefined) return null;
  const { after: _, jitter: _jitter, any, calendar: _calendar, ...input } = schedule;
  if (any === undefined) return input as MemberInput;
  return { any: any.map(({ params: _params, ...member }) => member as MemberInput) };
}

/** What a calendar takes out. Null: nothing. A stored definition may be of another version. */
export function calendarChoice(schedule: JobDefinition['schedule']): CalendarChoice | null {
  const choice = schedule?.after === undefined ? schedule?.calendar : undefined;
  if (choice === undefined) return null;
  if (!isObject(choice)) throw noForm('schedule.calendar', choice, 'object');
  if (choice.then !== undefined)
    knownWord('schedule.calendar.then', choice.then, ['skip', 'next', 'previous']);
  return choice;
}

/** The zone in which the job's times are shown and its deadlines are: that of its schedule, or of the first of several. */
export function timezoneOf(schedule: JobDefinition['schedule']): string {
  return schedule?.timezone ?? schedule?.any?.[0]?.timezone ?? 'UTC';
}
