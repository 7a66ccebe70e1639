/** The end of a run: what is counted, and what is written. */

import { policyOf } from '../job/policy.ts';
import { hasLine } from '../model/ids.ts';
import type { EndState, LedgerLine, Run } from '../model/model.ts';
import type { Reason } from '../model/reason.ts';
import { didRun, nextRunState } from '../model/run-state.ts';
import type { Entry } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { alertOfEnd, alertOfHeldBelow } from './alerts/alerts.ts';
import { beginPipeline } from './alerts/pipelines.ts';
import { countStep } from './backfill/progress.ts';

/** Ends the run: counters, statistics, ledger and history. `propagateEnds` decides what follows from it. */
export function closeRun(turn: Turn, run: Run, end: EndState, reason: Reason | null): void {
  const { state, draft } = turn;
  const entry = state.jobs.get(run.job);
  run.state = nextRunState(run.state, end);
  run.reason = reason;
  run.notBefore = null;
  run.endedAt = draft.now;
  for (const key of state.slots.release(run)) turn.freed.add(key);
  state.slots.leave(run);
  state.dropRun(run);
  if (entry !== undefined) {
    if (run.backfill === undefined) {
      countRun(turn, entry, run, end);
      alertOfEnd(turn, entry, run, end);
      beginPipeline(turn, entry, run, end);
      if (hasLine(run)) draft.ledger(ledgerLine(run, end));
      entry.openLine = null;
    } else countEnd(entry, end);
    draft.state(entry.state);
  }
  draft.run(run);
  countStep(turn, run);
  turn.ended.push(run);
}

/** The end of a step of a backfill says nothing about today: it counts, and changes nothing else of the job. */
function countEnd({ state }: Entry, end: EndState): void {
  if (end === 'succeeded') state.succeeded += 1;
  else if (end === 'skipped') state.skipped += 1;
  else if (end === 'missed') state.missed += 1;
  else {
    state.failed += 1;
    if (end === 'killed') state.killed += 1;
  }
}

function ledgerLine(run: Run, end: EndState): LedgerLine {
  const became = didRun(end) ? { end: 'ran' as const, state: end } : { end };
  return {
    job: run.job,
    from: run.due,
    to: run.due,
    count: 1,
    ...became,
    reason: run.reason,
    run: run.id,
  };
}

function countRun(turn: Turn, entry: Entry, run: Run, end: EndState): void {
  const { state } = entry;
  state.last = { id: run.id, state: end, due: run.due, endedAt: turn.draft.now };
  if (end === 'succeeded') {
    state.succeeded += 1;
    state.consecutiveFailures = 0;
    state.lastSucceededAt = turn.draft.now;
  } else if (end === 'skipped') state.skipped += 1;
  else if (end === 'missed') state.missed += 1;
  else {
    state.failed += 1;
    // A kill is a user's action and says nothing about the job.
    if (end === 'killed') state.killed += 1;
    else {
      state.consecutiveFailures += 1;
      state.lastFailedAt = turn.draft.now;
    }
  }
  const limit = policyOf(entry.job.definition.policy).disableAfterFailures;
  if (limit !== null && state.consecutiveFailures >= limit && state.disabled === null && end !== 'skipped') {
    const reason = { code: 'failures-in-a-row', failures: state.consecutiveFailures } as const;
    state.disabled = { at: turn.draft.now, reason };
    const { name, revision } = entry.job;
    turn.draft.notice({ kind: 'job', name, change: 'disabled', revision });
    turn.draft.act({ kind: 'job.disabled', job: name, revision, reason });
    alertOfHeldBelow(turn, entry);
  }
}
