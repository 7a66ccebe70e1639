/** What is written of a backfill as its steps begin and end. */

import {
  type Backfill,
  type BackfillState,
  type StepState,
  stateOf,
  withStep,
} from '../../model/backfill.ts';
import type { Run } from '../../model/model.ts';
import { isEnded } from '../../model/run-state.ts';
import type { Turn } from '../../state/turn.ts';

/** Below everything else in every queue. */
export const PRIORITY = -1_000;

/** Writes and keeps the backfill as it is now. */
export function put({ state, draft }: Turn, backfill: Backfill): void {
  state.backfills.put(backfill);
  draft.backfill(backfill);
}

export function setStep(turn: Turn, backfill: Backfill, step: number, to: StepState): void {
  put(turn, { ...backfill, progress: withStep(backfill.progress, step, to) });
}

export function setState(turn: Turn, backfill: Backfill, to: BackfillState): Backfill {
  const changed = { ...backfill, state: to };
  put(turn, changed);
  return changed;
}

/** The run of a step ends: in the same group, so that it is counted once, whatever happens. */
export function countStep(turn: Turn, { backfill: step, ...run }: Run): void {
  const { state, draft } = turn;
  const backfill = step === undefined ? undefined : state.backfills.get(step.id);
  if (backfill === undefined || step === undefined || !isEnded(run.state)) return;
  if (stateOf(backfill.progress, step.step) !== 'running') return;
  setStep(turn, backfill, step.step, run.state);
  if (!isTold(run)) return;
  const { job, due } = run;
  draft.backfilled({ job, due, state: run.state, run: run.id, backfill: backfill.id, at: draft.now });
}

/** Whether it made something of its due time: otherwise that is as it was. */
const isTold = ({ attempts, state, reason }: Omit<Run, 'backfill'>): boolean =>
  attempts.length > 0 || state === 'succeeded' || (state !== 'killed' && reason?.code !== 'parents');

/** Continues after what else is due now: a backfill that launches nothing must not keep others waiting. */
export function continueSoon({ state, draft }: Turn, id: string): void {
  state.timetable.add(draft.now, { backfill: id, priority: PRIORITY });
}

/** Continues all: this node leads from now on, or the clock was set. */
export function continueAll(turn: Turn): void {
  for (const { id } of turn.state.backfills.all()) continueSoon(turn, id);
}

/** The job is deleted: its steps that have not begun will not run, even if there is a job of that name again. */
export function dropJob(turn: Turn, job: string): void {
  for (const backfill of turn.state.backfills.all()) {
    if (!backfill.jobs.includes(job) || backfill.gone.includes(job)) continue;
    put(turn, { ...backfill, gone: [...backfill.gone, job] });
    continueSoon(turn, backfill.id);
  }
}
