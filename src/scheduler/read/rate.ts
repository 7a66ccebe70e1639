/** Number of runs over time, by how they ended. */

import type { Steps } from '../handle.ts';
import type { EndState, Run } from '../model/model.ts';

/** Whole steps of `stepMs`, from the epoch on, so that a step has the same bounds whenever it is counted. */
export interface StepSpan {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

/** The smallest span of whole steps that has all of [fromMs, toMs). */
export function wholeSteps({ fromMs, toMs, stepMs }: StepSpan): StepSpan {
  return { fromMs: Math.floor(fromMs / stepMs) * stepMs, toMs: Math.ceil(toMs / stepMs) * stepMs, stepMs };
}

export interface RateStep {
  /** Start of the step. */
  readonly at: number;
  /** Runs that were due in the step and ended, by end state. */
  readonly ended: Partial<Record<EndState, number>>;
  /** Runs that were due in the step and have not ended. */
  unfinished: number;
}

/** Every step of the span, oldest first. Runs that were due outside of the span do not count. */
export function* runRate(runs: readonly Run[], { fromMs, toMs, stepMs }: StepSpan): Steps<RateStep[]> {
  const steps = Array.from({ length: Math.ceil((toMs - fromMs) / stepMs) }, (_, index): RateStep => {
    return { at: fromMs + index * stepMs, ended: {}, unfinished: 0 };
  });
  for (const { due, state, endedAt } of runs) {
    yield;
    const step = steps[Math.floor((due - fromMs) / stepMs)];
    if (step === undefined) continue;
    if (endedAt === null) step.unfinished++;
    else step.ended[state as EndState] = (step.ended[state as EndState] ?? 0) + 1;
  }
  return steps;
}
