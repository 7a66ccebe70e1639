/** The due times of a job in a range: those of its schedule, or of the schedule that drives all its parents. */

import type { JobReader } from '../handle.ts';
import { intervalsText } from '../job/parents.ts';
import { instantsBetween } from '../schedule/between.ts';
import type { Schedule } from '../schedule/model.ts';
import { nextInstant } from '../schedule/next.ts';
import { cadenceOf } from '../state/cadence.ts';

/** Jobs above it that are looked at. */
const MAX_ABOVE = 10_000;

/** Null: the job has no due times of its own, for example because its parents have different ones. */
export function drivingSchedule(reader: JobReader, name: string): Schedule | null {
  const own = reader.glance(name)?.schedule ?? null;
  if (own !== null || joinsIntervals(reader, name)) return own;
  const driver = (job: string) => ({
    schedule: reader.glance(job)?.schedule ?? null,
    parents: reader.parentsOf(job),
    known: undefined,
  });
  if (cadenceOf(name, driver) === null) return null;
  const above = [name];
  for (const job of above) {
    const schedule = reader.glance(job)?.schedule ?? null;
    if (schedule !== null) return joinsIntervalsBelow(reader, above, job) ? null : schedule;
    if (above.length < MAX_ABOVE) above.push(...reader.parentsOf(job));
  }
  return null;
}

const joinsIntervals = (reader: JobReader, name: string): boolean =>
  intervalsText(reader.glance(name)?.job.definition.schedule?.after) !== '';

/** A job on the way has rounds of its own. */
const joinsIntervalsBelow = (reader: JobReader, names: readonly string[], up: string): boolean =>
  names.some((name) => name !== up && joinsIntervals(reader, name));

/** Due times in [from, below), ascending, at most `most`. */
export function dueTimes(schedule: Schedule, from: number, below: number, most: number): number[] {
  const found: number[] = [];
  let at = nextInstant(schedule, from - 1);
  while (at !== null && at < below && found.length < most) {
    found.push(at);
    at = nextInstant(schedule, at);
  }
  return found;
}

/** The last due time before the range, and the first one from its end up to now. Null: there is none. */
export function nearestDueTimes(
  schedule: Schedule,
  { from, to, now }: { readonly from: number; readonly to: number; readonly now: number },
): { readonly before: number | null; readonly after: number | null } {
  const range = { afterMs: 0, upToMs: from - 1, keep: 1, countLimit: 1 };
  const after = nextInstant(schedule, to - 1);
  return {
    before: instantsBetween(schedule, range).last[0] ?? null,
    after: after !== null && after <= now ? after : null,
  };
}
