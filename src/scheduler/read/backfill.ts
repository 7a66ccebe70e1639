/** How far a backfill is, and how long it is expected to take. */

import {
  type Backfill,
  type BackfillPlan,
  type StepState,
  signs,
  stateOf,
  withStep,
} from '../model/backfill.ts';
import { nextStep, runningSteps, stepsOf } from '../model/backfill-steps.ts';

/** `failed`: some steps did not succeed. */
export type BackfillStatus = 'running' | 'paused' | 'cancelling' | 'succeeded' | 'failed' | 'cancelled';

export function statusOfBackfill({ state, endedAt, progress }: Backfill): BackfillStatus {
  if (endedAt === null) return state;
  if (state === 'cancelling') return 'cancelled';
  return /[^sx]/.test(progress) ? 'failed' : 'succeeded';
}

export interface StepView {
  readonly job: string;
  readonly due: number;
  readonly state: StepState;
}

export const stepViews = (plan: BackfillPlan, progress: string): StepView[] =>
  stepsOf(plan).map(({ lane, due }, step) => ({ job: lane.job, due, state: stateOf(progress, step) }));

/**
 * How long what is left takes if each run takes as long as usual, nothing fails and nothing waits for a slot. Null: of
 * some job it is not known. Runs that run count as beginning now.
 */
export function expectedMs(
  plan: BackfillPlan,
  { progress: before, options: { atOnce } }: Pick<Backfill, 'progress' | 'options'>,
  usualMs: (job: string) => number | null,
): number | null {
  const steps = stepsOf(plan);
  let progress = before;
  let now = 0;
  const ends: { at: number; step: number }[] = [];
  const begin = (step: number): boolean => {
    const ms = usualMs(steps[step]?.lane.job ?? '');
    if (ms === null) return false;
    ends.push({ at: now + ms, step });
    progress = withStep(progress, step, 'running');
    return true;
  };
  for (
    let step = progress.indexOf(signs.running);
    step >= 0;
    step = progress.indexOf(signs.running, step + 1)
  )
    if (!begin(step)) return null;
  for (;;) {
    const next = runningSteps(progress) < atOnce ? nextStep(plan, progress, () => false)?.number : undefined;
    if (next !== undefined) {
      if (!begin(next)) return null;
      continue;
    }
    const first = ends.reduce<(typeof ends)[number] | null>(
      (least, each) => (least === null || each.at < least.at ? each : least),
      null,
    );
    if (first === null) return now;
    ends.splice(ends.indexOf(first), 1);
    now = first.at;
    progress = withStep(progress, first.step, 'succeeded');
  }
}
