/**
 * The interval that a run stands for: from the due time before it to its own. A job that loads data loads that
 * of its interval, today or years later. It is fixed when the run is opened, and only here.
 */

import type { AfterDefinition } from '../job/definition.ts';
import { roundInterval, roundIntervals } from '../job/parents.ts';
import type { Interval, Run } from '../model/model.ts';
import { zoneFor } from '../schedule/adjusted.ts';
import { formatDateTime, isZero } from '../schedule/iso.ts';
import { instantOf } from '../schedule/iso-next.ts';
import { type CalendarSchedule, type MemberSchedule, openOf, type Schedule } from '../schedule/model.ts';
import { memberAt, nextInstant, previousInstant } from '../schedule/next.ts';
import { offsetAt, type Zone, zoneOf } from '../schedule/zone.ts';
import type { Entry, State } from './state.ts';

/** Maximum length of a chain of dependents; the jobs of a longer one have no intervals. */
const MAX_DEPTH = 10_000;

/** Null for a run of now that a user began, and where no schedule says what lies before its due time. */
export function intervalOf(
  state: State,
  entry: Entry,
  { due, lineage, trigger, backfill }: Pick<Run, 'due' | 'lineage' | 'trigger' | 'backfill'>,
): Interval | null {
  // The step of a backfill is for a due time of the past.
  if (lineage === 'manual' && backfill === undefined) return null;
  const driver = driverOf(state, entry, due);
  if (driver === null) return null;
  if ('per' in driver) return roundInterval(driver.per, due);
  const { schedule } = driver;
  // What a schedule made due, it has as a due time; another run may be of an earlier schedule of the job.
  if (trigger.kind !== 'schedule' && nextInstant(schedule, due - 1) !== due) return null;
  const from = previousInstant(schedule, due) ?? beforeFirst(schedule);
  return from === null || from >= due ? null : { from, to: due };
}

/** Variables of the environment of a run with an interval: both ends, and their dates in the zone of its schedule. */
export function intervalVariables(state: State, entry: Entry, run: Run): Record<string, string> {
  const { interval } = run;
  if (interval === undefined) return {};
  const zone = zoneAt(state, entry, run.due);
  return {
    CARILLON_INTERVAL_START: new Date(interval.from).toISOString(),
    CARILLON_INTERVAL_END: new Date(interval.to).toISOString(),
    CARILLON_INTERVAL_START_DATE: localDate(zone, interval.from),
    CARILLON_INTERVAL_END_DATE: localDate(zone, interval.to),
  };
}

/** The zone of the schedule that drives the job; that of its rounds, for a job with `per`. */
export function zoneAt(state: State, entry: Entry, due: number): Zone {
  const driver = driverOf(state, entry, due);
  if (driver === null) return zoneOf('UTC');
  return 'per' in driver ? (roundIntervals(driver.per)?.zone ?? zoneOf('UTC')) : zoneFor(driver.schedule);
}

const localDate = (zone: Zone, at: number): string =>
  formatDateTime({ wallMs: at + offsetAt(zone, at), offset: null }).slice(0, 10);

type Driver = { readonly schedule: MemberSchedule | CalendarSchedule } | { readonly per: AfterDefinition };

/**
 * What the intervals of a job follow: its own schedule, its `per`, or those of its parents, if they share their due
 * times. Null for a job of which nothing does: it is manual, or "since the last round" of parents that differ.
 */
function driverOf(state: State, entry: Entry, due: number): Driver | null {
  let at = entry;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    const { schedule } = at;
    if (schedule !== null) {
      const member = memberOf(schedule, due);
      return member === undefined ? null : { schedule: member };
    }
    const after = at.job.definition.schedule?.after;
    const spec = state.derived.joinSpec(at);
    if (after === undefined || spec === null) return null;
    if (spec.per !== undefined) return { per: after };
    const parent = state.jobs.get(spec.parents[0] ?? '');
    if (parent === undefined || (spec.parents.length > 1 && !spec.aligned)) return null;
    at = parent;
  }
  return null;
}

/** Of several schedules, the one that is due, without what the calendar takes out of it. */
function memberOf(schedule: Schedule, due: number): MemberSchedule | CalendarSchedule | undefined {
  const open = openOf(schedule);
  const member = open.kind === 'any' ? open.members[memberAt(schedule, due)] : open;
  return schedule.kind === 'calendared' && member !== undefined ? { ...schedule, open: member } : member;
}

/** Where the interval of the first due time begins: where the due time before it would be. */
function beforeFirst(schedule: MemberSchedule | CalendarSchedule): number | null {
  if (schedule.kind === 'calendared') return schedule.open.kind === 'any' ? null : beforeFirst(schedule.open);
  if (schedule.kind === 'adjusted') {
    const { basic, fromMs } = schedule;
    return previousInstant(basic, nextInstant(basic, fromMs - 1) ?? fromMs) ?? beforeFirst(basic);
  }
  const isRepeated = schedule.kind === 'every' && !isZero(schedule.period) && schedule.last > schedule.first;
  return isRepeated ? instantOf(schedule, schedule.first - 1) : null;
}
