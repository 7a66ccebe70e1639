/**
 * Determines which jobs share their due times. Parents with the same cadence are joined by nominal time;
 * others by "since the last round", or by interval with `per`.
 */

import type { Condition, JoinSpec } from '../../dag/ready.ts';
import type { AfterDefinition } from '../job/definition.ts';
import { parentNames, parentObjects, roundIntervals } from '../job/parents.ts';
import { instantsBetween } from '../schedule/between.ts';
import { type CivilInterval, type Intervals, intervalAt } from '../schedule/civil-interval.ts';
import type { Schedule } from '../schedule/model.ts';

/** Counting runs in one interval stops here. */
const MAX_RUNS_PER_INTERVAL = 100_000;
/** Cached counts per child; each ended run reads them several times. */
const MAX_COUNTS = 64;
/** Maximum length of a chain of dependents; a longer one counts as having no cadence. */
const MAX_DEPTH = 10_000;

interface Driver {
  readonly schedule: Schedule | null;
  readonly parents: readonly string[];
  /** The job's cadence, if it was computed before. */
  readonly known: string | null | undefined;
}

/** The schedule's canonical text and zone, or the cadence of the parents if they all agree. */
export function cadenceOf(name: string, driver: (name: string) => Driver): string | null {
  const texts = new Set<string>();
  const seen = new Set<string>();
  const pending = [name];
  while (pending.length > 0) {
    const job = pending.pop() as string;
    if (seen.has(job)) continue;
    seen.add(job);
    const { schedule, parents, known } = driver(job);
    const text = known ?? (schedule === null ? undefined : `${schedule.text} ${schedule.timezone ?? ''}`);
    if (text !== undefined) texts.add(text);
    else if (known === null || parents.length === 0) return null;
    else pending.push(...parents);
    if (texts.size > 1 || seen.size > MAX_DEPTH) return null;
  }
  const [only] = texts;
  return only ?? null;
}

/** The rule for a child's rounds. */
export function joinSpecOf(
  after: AfterDefinition,
  cadence: (parent: string) => string | null,
  timeSchedule: (parent: string) => Schedule | null,
): JoinSpec {
  const parents = parentNames(after);
  const first = cadence(parents[0] ?? '');
  const conditions = conditionsOf(after);
  const spec: JoinSpec = {
    parents,
    when: after.when ?? 'all-succeeded',
    aligned: first !== null && parents.every((parent) => cadence(parent) === first),
    ...(conditions.size > 0 && { conditions }),
  };
  const intervals = roundIntervals(after);
  return intervals === null ? spec : { ...spec, per: perInterval(intervals, timeSchedule) };
}

function conditionsOf(after: AfterDefinition): ReadonlyMap<string, Condition> {
  return new Map(parentObjects(after).flatMap(({ job, when }) => (when === undefined ? [] : [[job, when]])));
}

function perInterval(
  intervals: Intervals,
  timeSchedule: (parent: string) => Schedule | null,
): NonNullable<JoinSpec['per']> {
  const counts = new Map<string, number>();
  return {
    key: (due) => intervalAt(intervals, due).from.toString(),
    expected: (parent, due) => {
      const interval = intervalAt(intervals, due);
      const key = `${interval.from}/${parent}`;
      const count = counts.get(key) ?? runsIn(timeSchedule(parent), interval);
      if (counts.size >= MAX_COUNTS) counts.clear();
      counts.set(key, count);
      return count;
    },
  };
}

/** Expected runs of a parent in the interval; one for a parent without a schedule. */
function runsIn(schedule: Schedule | null, { from, to }: CivilInterval): number {
  if (schedule === null) return 1;
  const range = { afterMs: from - 1, upToMs: to - 1, keep: 0, countLimit: MAX_RUNS_PER_INTERVAL };
  return Math.max(1, instantsBetween(schedule, range).count);
}
