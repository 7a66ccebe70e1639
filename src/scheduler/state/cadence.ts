/**
 * Determines which jobs share their due times. Parents with the same cadence are joined by nominal time;
 * others by "since the last round", or by interval with `per`.
 */

import type { JoinSpec } from '../../dag/ready.ts';
import type { AfterDefinition } from '../job/definition.ts';
import { instantsBetween } from '../schedule/between.ts';
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
  const first = cadence(after.parents[0] ?? '');
  const aligned = first !== null && after.parents.every((parent) => cadence(parent) === first);
  const spec: JoinSpec = { parents: after.parents, when: after.when ?? 'all-succeeded', aligned };
  const { per } = after;
  if (per === undefined) return spec;
  const counts = new Map<string, number>();
  return {
    ...spec,
    per: {
      key: (due) => intervalStart(due, per).toString(),
      expected: (parent, due) => {
        const start = intervalStart(due, per);
        const key = `${start}/${parent}`;
        const count = counts.get(key) ?? runsIn(timeSchedule(parent), start, per);
        if (counts.size >= MAX_COUNTS) counts.clear();
        counts.set(key, count);
        return count;
      },
    },
  };
}

/** Expected runs of a parent in the interval; one for a parent without a schedule. */
function runsIn(schedule: Schedule | null, start: number, per: Interval): number {
  if (schedule === null) return 1;
  const range = {
    afterMs: start - 1,
    upToMs: intervalEnd(start, per) - 1,
    keep: 0,
    countLimit: MAX_RUNS_PER_INTERVAL,
  };
  return Math.max(1, instantsBetween(schedule, range).count);
}

type Interval = NonNullable<AfterDefinition['per']>;

const DAY_MS = 86_400_000;
const widths = { minute: 60_000, hour: 3_600_000, day: DAY_MS, week: 7 * DAY_MS };
/** 1970-01-05 was a Monday. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

/** The interval of the round of a due time. */
export function roundInterval({ per = 'day' }: AfterDefinition, due: number): { from: number; to: number } {
  const from = intervalStart(due, per);
  return { from, to: intervalEnd(from, per) };
}

/** Start of the UTC interval that contains the time; weeks start on Monday. */
function intervalStart(ms: number, per: Interval): number {
  if (per === 'month') {
    const date = new Date(ms);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  }
  const width = widths[per];
  const offset = per === 'week' ? FIRST_MONDAY_MS : 0;
  return Math.floor((ms - offset) / width) * width + offset;
}

function intervalEnd(start: number, per: Interval): number {
  if (per !== 'month') return start + widths[per];
  const date = new Date(start);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}
