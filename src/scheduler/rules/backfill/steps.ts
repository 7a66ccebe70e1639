/**
 * The steps of backfills. A step begins with its run, and ends with it: each in one atomic group with the progress of
 * the backfill, so a crash neither loses a step nor counts it twice. What a step makes possible begins in the same
 * decision, or right after it if nothing was launched.
 */

import { isExternal } from '../../job/external.ts';
import { policyOf } from '../../job/policy.ts';
import { type Backfill, backfillVariant, signs } from '../../model/backfill.ts';
import { nextStep, type Readiness, runningSteps, type Step, stepsOf } from '../../model/backfill-steps.ts';
import { runId } from '../../model/ids.ts';
import type { Run } from '../../model/model.ts';
import type { Reason } from '../../model/reason.ts';
import { isEnded } from '../../model/run-state.ts';
import type { Entry, State } from '../../state/state.ts';
import type { Turn } from '../../state/turn.ts';
import { paramsOfStep } from '../given/step.ts';
import { openRun, type Seed } from '../runs.ts';
import { continueSoon, PRIORITY, setStep } from './progress.ts';

/** Parents that a reason names. */
const MAX_NAMED = 3;
/** Runs of parents that a run names: of an interval, the last few. */
const MAX_PARENT_RUNS = 32;

/** Begins steps while the backfill may have more unfinished runs, and ends it after the last one. */
export function advance(turn: Turn, id: string): void {
  const { backfills } = turn.state;
  for (let backfill = backfills.get(id); backfill !== undefined; backfill = backfills.get(id)) {
    const running = runningSteps(backfill.progress);
    const hasMore = backfill.state !== 'cancelling' && backfill.progress.includes(signs.waiting);
    if (running === 0 && !hasMore) {
      finish(turn, backfill);
      return;
    }
    if (backfill.state !== 'running' || running >= backfill.options.atOnce) return;
    const next = nextStep(backfills.plan(id), backfill.progress, (job) => continues(turn.state, job));
    if (next === null) return;
    const run = beginStep(turn, backfill, next);
    if (run === null || !isEnded(run.state)) continue;
    continueSoon(turn, id);
    return;
  }
}

/** Continues the backfills whose runs have ended in this turn. */
export function advanceAfter(turn: Turn, ended: readonly Run[]): void {
  const launched = new Map<string, boolean>();
  for (const { backfill, attempts } of ended)
    if (backfill !== undefined)
      launched.set(backfill.id, attempts.length > 0 || launched.get(backfill.id) === true);
  for (const [id, atOnce] of launched) {
    if (atOnce) advance(turn, id);
    else continueSoon(turn, id);
  }
}

interface Next {
  readonly number: number;
  readonly step: Step;
  readonly readiness: Readiness;
}

/** Null: the step is dropped. */
function beginStep(turn: Turn, backfill: Backfill, next: Next): Run | null {
  const { job } = next.step.lane;
  const entry = backfill.gone.includes(job) ? undefined : turn.state.jobs.get(job);
  if (entry === undefined || isExternal(entry.job.definition)) {
    setStep(turn, backfill, next.number, 'dropped');
    return null;
  }
  turn.draft.cut();
  setStep(turn, backfill, next.number, 'running');
  return openRun(turn, entry, seedOf(turn.state, entry, backfill, next));
}

function seedOf(state: State, entry: Entry, backfill: Backfill, { number, step, readiness }: Next): Seed {
  const { id, options, createdBy: by } = backfill;
  const variant = backfillVariant(id);
  const parents = parentRuns(state, backfill, step, variant);
  const { skip: refused = null, ...given } = paramsOfStep(entry, options.params, step.lane.follows === true);
  const skip = readiness.kind === 'skip' ? unmet(step, readiness.because, variant) : refused;
  const isMarked = options.does === 'mark-succeeded' && skip === null;
  return {
    due: step.due,
    variant,
    lineage: 'manual',
    root: step.lane.follows ? null : entry.job.name,
    trigger: parents.length === 0 ? { kind: 'manual', by } : { kind: 'parents', runs: parents },
    backfill: { id, step: number },
    priority: PRIORITY + policyOf(entry.job.definition.policy).priority,
    skip,
    ...given,
    ...(isMarked && { marked: by }),
  };
}

function parentRuns(
  { backfills }: State,
  { id, progress }: Backfill,
  { after }: Step,
  variant: string,
): string[] {
  const steps = stepsOf(backfills.plan(id));
  return after
    .flatMap(({ job, steps: numbers }) =>
      numbers
        .filter((number) => progress.charAt(number) !== signs.dropped)
        .map((number) => runId(job, (steps[number] as Step).due, variant)),
    )
    .slice(-MAX_PARENT_RUNS);
}

type Unmet = Extract<Readiness, { kind: 'skip' }>['because'];

function unmet({ due }: Step, because: Unmet, variant: string): Reason {
  const ends = because.slice(0, MAX_NAMED).map(({ job, outcome }) => ({ job, due, variant, outcome }));
  return { code: 'parents', ends, more: because.length - ends.length };
}

const continues = (state: State, job: string): boolean =>
  policyOf(state.jobs.get(job)?.job.definition.policy).onFailure === 'continue';

function finish({ state, draft }: Turn, backfill: Backfill): void {
  const ended = { ...backfill, endedAt: draft.now, plan: state.backfills.plan(backfill.id) };
  state.backfills.end(ended);
  draft.backfillEnded(ended);
}
