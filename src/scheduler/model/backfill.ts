/**
 * Backfills: due times that are run again, or for the first time, because somebody asks for them. The plan is fixed when
 * the backfill is made. Its progress is one sign for each step, so it cannot count a step twice or forget one.
 */

import type { Condition, Trigger } from '../../dag/ready.ts';
import type { EndState } from './model.ts';

/** What became of a due time; see read/fates.ts. `never`: the ledger has nothing about it. */
export const fates = ['succeeded', 'failed', 'skipped', 'missed', 'never', 'unfinished'] as const;
export type Fate = (typeof fates)[number];
/** Fates by which the due times of a backfill are chosen. */
export const chosenFates = ['missed', 'failed', 'skipped', 'never'] as const;
export type ChosenFate = (typeof chosenFates)[number];

export interface BackfillOptions {
  /** The range of due times that was asked for: `from` is included, `to` is not. */
  readonly from: number;
  readonly to: number;
  /** Only due times with one of these fates. Empty: all. */
  readonly only: readonly ChosenFate[];
  readonly downstream: boolean;
  /** Maximum unfinished runs of the backfill. */
  readonly atOnce: number;
  readonly newestFirst: boolean;
  /** Of the runs of the jobs that were asked for, not of those downstream. */
  readonly params: Readonly<Record<string, string>>;
  readonly does: 'run' | 'mark-succeeded';
}

/** `cancelling`: no step starts any more, and some have not ended. */
export type BackfillState = 'running' | 'paused' | 'cancelling';

export interface Backfill {
  readonly id: string;
  readonly options: BackfillOptions;
  /** Jobs of its steps, parents first. */
  readonly jobs: readonly string[];
  readonly createdAt: number;
  readonly createdBy: string;
  readonly state: BackfillState;
  /** One sign for each step, in the order of the plan; see `signs`. */
  readonly progress: string;
  /** Jobs that were deleted since. Their steps do not run, even if there is a job of that name again. */
  readonly gone: readonly string[];
  /** Null: unfinished. */
  readonly endedAt: number | null;
  /** Once it has ended, and where it is read. */
  readonly plan?: BackfillPlan;
}

/** The steps of one job. */
export interface Lane {
  readonly job: string;
  /** Ascending. */
  readonly dues: readonly number[];
  /** Per due time, from where on the steps of parents belong to it. Absent: the due time itself. */
  readonly froms?: readonly number[];
  /** Jobs of the plan after whose steps the ones of this job come. */
  readonly after: readonly string[];
  /** How these must have ended. */
  readonly when: Trigger;
  /** Of these, the jobs with a condition of their own. */
  readonly conditions?: readonly (readonly [job: string, Condition])[];
  /** The job was not asked for: it follows. */
  readonly follows?: true;
}

/** Never changes. */
export interface BackfillPlan {
  readonly id: string;
  readonly newestFirst: boolean;
  /** Parents first. */
  readonly lanes: readonly Lane[];
}

/** What a backfill made of a due time. */
export interface Backfilled {
  readonly job: string;
  readonly due: number;
  readonly state: EndState;
  readonly run: string;
  readonly backfill: string;
  readonly at: number;
}

/** `dropped`: ended without a run, because its job was deleted or is run by somebody else. */
export type StepState = 'waiting' | 'running' | EndState | 'dropped';

export const signs: Readonly<Record<StepState, string>> = {
  waiting: '.',
  running: 'r',
  succeeded: 's',
  failed: 'f',
  killed: 'k',
  'timed-out': 't',
  lost: 'l',
  skipped: 'x',
  missed: 'm',
  dropped: 'd',
};
const states: ReadonlyMap<string, StepState> = new Map(
  Object.entries(signs).map(([state, sign]) => [sign, state as StepState]),
);

export const stateOf = (progress: string, step: number): StepState =>
  states.get(progress.charAt(step)) ?? 'waiting';

/** The progress with another state of one step. */
export const withStep = (progress: string, step: number, state: StepState): string =>
  progress.slice(0, step) + signs[state] + progress.slice(step + 1);

/** The variant of the runs of a backfill. */
export const backfillVariant = (id: string): string => `b${id}`;

/** How many steps are in each state. */
export function countSteps(progress: string): Record<StepState, number> {
  const counts = Object.fromEntries(Object.keys(signs).map((state) => [state, 0])) as Record<
    StepState,
    number
  >;
  for (let step = 0; step < progress.length; step++) counts[stateOf(progress, step)] += 1;
  return counts;
}
