/**
 * The plan of a backfill: which jobs run at which due times, and after which others. It is made once, from the jobs as they
 * are then, and never changes.
 *
 * Downstream, a job follows at the same due time if its rounds are those of its parents: it has one parent, or all have
 * the same cadence. A job with `per` follows once for each interval that the plan touches, at the interval's last due
 * time. What joins its parents loosely has no due time of its own there, so it is left out, with all below it.
 */

import type { JoinSpec } from '../../../dag/ready.ts';
import { CarillonError } from '../../../errors.ts';
import type { BackfillTarget } from '../../command.ts';
import { isExternal } from '../../job/external.ts';
import type { BackfillPlan, Lane } from '../../model/backfill.ts';
import { nextInstant } from '../../schedule/next.ts';
import type { Entry, State } from '../../state/state.ts';

/** In one plan. It is one record, and its progress is written with each step. */
export const MAX_STEPS = 10_000;
/** Due times of one interval that are passed to find its last one. */
const MAX_PASSED = 100_000;

interface Asked {
  readonly id: string;
  readonly targets: readonly BackfillTarget[];
  readonly downstream: boolean;
  readonly newestFirst: boolean;
}

export interface Planned {
  readonly plan: BackfillPlan;
  /** Jobs below that are left out: they join loosely, or somebody else runs them. */
  readonly left: readonly string[];
}

/** LIMIT_EXCEEDED. */
export function planBackfill(state: State, { id, targets, downstream, newestFirst }: Asked): Planned {
  const own = new Map(targets.map(({ job, dues }) => [job, dues]));
  const lanes = new Map<string, Lane>();
  const left = new Set<string>();
  for (const name of inOrder(state, own.keys(), downstream)) {
    const entry = state.jobs.get(name);
    if (entry === undefined) continue;
    const parents = state.graph.parentsOf(name).filter((parent) => lanes.has(parent));
    const spec = parents.length === 0 ? null : state.derived.joinSpec(entry);
    const followed = spec === null || !downstream ? null : following(state, entry, spec, lanes);
    if (followed === 'loose' && !own.has(name)) left.add(name);
    const lane = laneOf(name, own.get(name) ?? [], followed === 'loose' ? null : followed, {
      after: parents,
      when: spec?.when ?? 'all-succeeded',
      ...conditionsOf(spec, parents),
    });
    if (lane !== null) lanes.set(name, { ...lane, ...(!own.has(name) && { follows: true as const }) });
    refuseTooMany(lanes);
  }
  return { plan: { id, newestFirst, lanes: [...lanes.values()] }, left: [...left].sort() };
}

/** The jobs that were asked for, with those below if these follow; parents first. */
function inOrder({ graph }: State, targets: Iterable<string>, downstream: boolean): string[] {
  const wanted = new Set(targets);
  if (downstream) for (const name of wanted) for (const child of graph.childrenOf(name)) wanted.add(child);
  const ordered = new Set<string>();
  const entered = new Set<string>();
  for (const target of wanted) {
    const stack = [target];
    for (let name = stack.at(-1); name !== undefined; name = stack.at(-1)) {
      if (entered.has(name)) {
        ordered.add(name);
        stack.pop();
        continue;
      }
      entered.add(name);
      for (const parent of graph.parentsOf(name))
        if (wanted.has(parent) && !entered.has(parent)) stack.push(parent);
    }
  }
  return [...ordered];
}

interface Followed {
  readonly dues: readonly number[];
  readonly froms: ReadonlyMap<number, number>;
}

/** The due times at which the job follows its parents in the plan. */
function following(
  state: State,
  entry: Entry,
  spec: JoinSpec,
  lanes: ReadonlyMap<string, Lane>,
): Followed | 'loose' {
  if (isExternal(entry.job.definition)) return 'loose';
  const above = spec.parents.flatMap((parent) => lanes.get(parent) ?? []);
  if (spec.per === undefined) {
    if (!spec.aligned && spec.parents.length > 1) return 'loose';
    return { dues: ascending(above.flatMap(({ dues }) => dues)), froms: new Map() };
  }
  const { per } = spec;
  const intervals = new Map<string, { from: number; to: number }>();
  for (const { job, dues } of above) {
    const schedule = state.derived.timeSchedule(job);
    for (const due of dues) {
      const key = per.key(due);
      const known = intervals.get(key);
      if (known !== undefined && due >= known.from && due <= known.to) continue;
      const last = schedule === null ? due : lastIn(due, (at) => nextInstant(schedule, at), per.key);
      intervals.set(key, { from: Math.min(due, known?.from ?? due), to: Math.max(last, known?.to ?? last) });
    }
  }
  return {
    dues: ascending([...intervals.values()].map(({ to }) => to)),
    froms: new Map([...intervals.values()].map(({ from, to }) => [to, from])),
  };
}

/** The last due time of the interval. */
function lastIn(due: number, next: (at: number) => number | null, key: (at: number) => string): number {
  const interval = key(due);
  let last = due;
  for (let passed = 0; passed < MAX_PASSED; passed++) {
    const at = next(last);
    if (at === null || key(at) !== interval) return last;
    last = at;
  }
  return last;
}

function laneOf(
  job: string,
  own: readonly number[],
  followed: Followed | null,
  judged: Pick<Lane, 'after' | 'when' | 'conditions'>,
): Lane | null {
  const dues = ascending([...own, ...(followed?.dues ?? [])]);
  if (dues.length === 0) return null;
  const froms = followed?.froms ?? new Map<number, number>();
  return {
    job,
    dues,
    ...(froms.size > 0 && { froms: dues.map((due) => froms.get(due) ?? due) }),
    ...judged,
  };
}

function conditionsOf(spec: JoinSpec | null, parents: readonly string[]): Pick<Lane, 'conditions'> {
  const conditions = [...(spec?.conditions ?? [])].filter(([parent]) => parents.includes(parent));
  return conditions.length === 0 ? {} : { conditions };
}

const ascending = (instants: readonly number[]): number[] => [...new Set(instants)].sort((a, b) => a - b);

function refuseTooMany(lanes: ReadonlyMap<string, Lane>): void {
  let steps = 0;
  for (const { dues } of lanes.values()) steps += dues.length;
  if (steps <= MAX_STEPS) return;
  throw new CarillonError('LIMIT_EXCEEDED', `The backfill has more than ${MAX_STEPS} steps.`, {
    field: 'from',
    allowed: `at most ${MAX_STEPS} steps: a shorter range, fewer jobs, or several backfills one after the other`,
  });
}
