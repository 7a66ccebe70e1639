/**
 * Decides what follows from runs that ended in a turn: their children are notified, the next run of each job
 * gets its turn, and freed slots go to waiting runs. All of it is part of the decision that ended them.
 * Nothing here recurses: a chain of any length is processed in one loop.
 */

import {
  announced,
  emptyJoin,
  type Firing,
  type Join,
  type JoinSpec,
  type ParentEnd,
  parentEnded,
} from '../../dag/ready.ts';
import { policyOf } from '../job/policy.ts';
import type { EndState, Outcome, Run } from '../model/model.ts';
import { isEnded } from '../model/run-state.ts';
import { holdBack } from '../state/lineage.ts';
import type { Entry } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { alertOfHeld } from './alerts/alerts.ts';
import { endPipelines } from './alerts/pipelines.ts';
import { advanceAfter } from './backfill/steps.ts';
import { paramsFrom } from './given/shared.ts';
import { fillSlots, startWaiting } from './placing.ts';
import { idleReason, openRun } from './runs.ts';

/** Decides what follows from all runs that ended in this turn. */
export function propagateEnds(turn: Turn): void {
  do {
    // The list grows during the walk, because a skipped child ends too. All of this is one atomic group.
    for (const run of turn.ended) if (run.backfill === undefined) tellChildren(turn, run);
    for (const run of turn.ended) startWaiting(turn, run.job);
    if (turn.ended.length > 0) endPipelines(turn);
    advanceAfter(turn, turn.ended);
    turn.ended.length = 0;
    // Runs end in their turn too, if the run policy refuses them.
    fillSlots(turn);
  } while (turn.ended.length > 0);
}

function tellChildren(turn: Turn, run: Run): void {
  const { state, draft } = turn;
  if (!isEnded(run.state)) return;
  const end: ParentEnd = {
    parent: run.job,
    runId: run.id,
    due: run.due,
    variant: run.variant,
    outcome: outcomeOf(turn, run.job, run.state),
    kind: run.lineage,
  };
  const branches = run.root === null ? null : state.derived.branches(run.root);
  for (const name of state.graph.childrenOf(run.job)) {
    const child = state.jobs.get(name);
    const spec = child === undefined ? null : state.derived.joinSpec(child);
    if (child === undefined || spec === null) continue;
    // A round of a start of several jobs waits itself, for the parents that the child had then.
    const meeting =
      branches === null || isAnnounced(child.state.join, end)
        ? []
        : spec.parents.filter((parent) => branches.has(parent));
    const { held, released } = holdBack(child.state.held, end, meeting.length > 1 ? meeting : []);
    child.state.held = held;
    draft.state(child.state);
    const whole = meeting.length > 1 && meeting.length === spec.parents.length;
    for (const each of released) tellChild(turn, child, spec, { ...each, whole }, run);
  }
}

function isAnnounced(join: Join | null, { due, variant }: ParentEnd): boolean {
  return announced(join ?? emptyJoin).some((round) => round.due === due && round.variant === variant);
}

/**
 * After an edit of the child: it is skipped in starts whose round went with its parents, because jobs of the same
 * start wait for it. `before`: what it waited for.
 */
export function skipLostStarts(turn: Turn, child: Entry, before: Join | null): void {
  const left = new Set(announced(child.state.join ?? emptyJoin).map(({ key }) => key));
  const lost = announced(before ?? emptyJoin).filter(({ key }) => !left.has(key));
  for (const { key, due, variant, ends } of lost) {
    const parents = Object.values(ends).map(({ runId }) => runId);
    const named = { due, variant, lineage: 'manual', key, parents } as const;
    fire(turn, child, [{ ...named, run: false, reason: lostStart }], null);
  }
  // In the group of the edit: jobs that wait for the child learn of it in the same commit.
  if (lost.length > 0) propagateEnds(turn);
}

const lostStart = { code: 'parents-changed' } as const;

/** How children take the ending. A kill is no failure of the job, and is never passed over. */
function outcomeOf({ state }: Turn, job: string, end: EndState): Outcome {
  const continues = policyOf(state.jobs.get(job)?.job.definition.policy).onFailure === 'continue';
  return continues && end !== 'killed' && outcomes[end] === 'failed' ? 'succeeded' : outcomes[end];
}

const outcomes: Readonly<Record<EndState, Outcome>> = {
  succeeded: 'succeeded',
  failed: 'failed',
  killed: 'failed',
  'timed-out': 'failed',
  lost: 'failed',
  skipped: 'skipped',
  missed: 'skipped',
};

function tellChild(turn: Turn, child: Entry, spec: JoinSpec, end: ParentEnd, run: Run): void {
  const { join, firings } = parentEnded(child.state.join ?? emptyJoin, spec, end);
  child.state.join = join;
  turn.draft.state(child.state);
  fire(turn, child, firings, run);
  alertOfHeld(turn, child);
}

/**
 * Creates the runs of decided rounds; a round whose condition is not met is skipped. `last`: the parents' run that completed
 * them. Null: a start has no run yet. Nothing follows from a pipeline that was killed, whatever the child waits for.
 */
export function fire(turn: Turn, child: Entry, firings: readonly Firing[], last: Run | null): void {
  if (firings.length === 0) return;
  const { skip, ...given } = paramsFrom(child, last?.shared);
  const stopped = last?.reason?.code === 'pipeline-killed' ? last.reason : null;
  for (const firing of firings) {
    openRun(turn, child, {
      due: firing.due,
      variant: firing.variant,
      lineage: firing.lineage,
      root: last?.root ?? null,
      ...given,
      trigger: { kind: 'parents', runs: firing.parents },
      skip: stopped ?? (firing.run ? (idleReason(child) ?? skip ?? null) : firing.reason),
    });
  }
}
