/** The steps of a backfill's plan in their order, and which of them may start. Pure. */

import { isWanted, type Outcome } from '../../dag/ready.ts';
import { type BackfillPlan, type Lane, type StepState, signs, stateOf } from './backfill.ts';

export interface Step {
  readonly lane: Lane;
  readonly due: number;
  /** The steps that it waits for, by parent. */
  readonly after: readonly { readonly job: string; readonly steps: readonly number[] }[];
}

/** By plan, which never changes. */
const known = new WeakMap<BackfillPlan, readonly Step[]>();

/** By due time, then parents first. */
export function stepsOf(plan: BackfillPlan): readonly Step[] {
  const kept = known.get(plan);
  if (kept !== undefined) return kept;
  const places = plan.lanes.flatMap((lane, at) =>
    lane.dues.map((due, i) => ({ lane, at, due, from: lane.froms?.[i] ?? due })),
  );
  const sign = plan.newestFirst ? -1 : 1;
  places.sort((a, b) => sign * (a.due - b.due) || a.at - b.at);
  const numbers = new Map(plan.lanes.map(({ job }) => [job, new Map<number, number>()]));
  for (const [step, { lane, due }] of places.entries()) numbers.get(lane.job)?.set(due, step);
  const lanes = new Map(plan.lanes.map((lane) => [lane.job, lane]));
  const steps = places.map(({ lane, due, from }): Step => {
    const after = lane.after.flatMap((job) => {
      const dues = from === due ? [due] : duesIn(lanes.get(job), from, due);
      const found = dues.flatMap((each) => numbers.get(job)?.get(each) ?? []);
      return found.length === 0 ? [] : [{ job, steps: found }];
    });
    return { lane, due, after };
  });
  known.set(plan, steps);
  return steps;
}

const duesIn = (lane: Lane | undefined, from: number, to: number): readonly number[] =>
  lane?.dues.filter((due) => due >= from && due <= to) ?? [];

/** `skip`: these parents did not end as required. */
export type Readiness =
  | { readonly kind: 'wait' }
  | { readonly kind: 'run' }
  | {
      readonly kind: 'skip';
      readonly because: readonly { readonly job: string; readonly outcome: Outcome }[];
    };

/** `continues`: children take a failure of this job as a success. */
export function readinessOf(
  { lane: { when, conditions }, after }: Step,
  progress: string,
  continues: (job: string) => boolean,
): Readiness {
  const ends: { job: string; outcome: Outcome }[] = [];
  for (const { job, steps } of after) {
    let outcome: Outcome = 'succeeded';
    for (const step of steps) {
      const state = stateOf(progress, step);
      if (state === 'waiting' || state === 'running') return { kind: 'wait' };
      outcome = worse(outcome, outcomeOf(state, continues(job)));
    }
    ends.push({ job, outcome });
  }
  const own = new Map(conditions);
  const unmet = ends.filter(({ job, outcome }) => !isWanted(outcome, when, own.get(job)));
  const isMet = when.startsWith('any-')
    ? ends.length === 0 || unmet.length < ends.length
    : unmet.length === 0;
  return isMet ? { kind: 'run' } : { kind: 'skip', because: unmet };
}

const order: readonly Outcome[] = ['succeeded', 'skipped', 'failed'];
const worse = (a: Outcome, b: Outcome): Outcome => (order.indexOf(a) > order.indexOf(b) ? a : b);

/** As for children of any run: a kill is no failure of the job, and is never passed over. */
function outcomeOf(state: StepState, continues: boolean): Outcome {
  if (state === 'succeeded') return 'succeeded';
  if (state === 'skipped' || state === 'missed' || state === 'dropped') return 'skipped';
  return continues && state !== 'killed' ? 'succeeded' : 'failed';
}

/** The first step that waits for nothing. Null: there is none. */
export function nextStep(
  plan: BackfillPlan,
  progress: string,
  continues: (job: string) => boolean,
): { readonly number: number; readonly step: Step; readonly readiness: Readiness } | null {
  const steps = stepsOf(plan);
  for (let number = progress.indexOf(signs.waiting); number >= 0; ) {
    const step = steps[number] as Step;
    const readiness = readinessOf(step, progress, continues);
    if (readiness.kind !== 'wait') return { number, step, readiness };
    number = progress.indexOf(signs.waiting, number + 1);
  }
  return null;
}

/** Steps that have a run which has not ended. */
export function runningSteps(progress: string): number {
  let count = 0;
  for (let at = progress.indexOf(signs.running); at >= 0; at = progress.indexOf(signs.running, at + 1))
    count++;
  return count;
}
