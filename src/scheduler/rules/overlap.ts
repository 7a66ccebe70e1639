/**
 * Decides what happens to a run that is due while others of its job are unfinished.
 *
 * Late due instants that are all run (`catchUp: all`, or a start window) are a row: they run one after the other,
 * whatever the overlap policy is, unless it allows several at once. Nothing skips or replaces a run of the row.
 * To every other run the policy applies, and runs of the row count as unfinished runs. So nothing is added to the row
 * while it is worked off, and a job whose runs take as long as its period gets to its end.
 */

import type { Policy } from '../job/policy.ts';
import type { Run } from '../model/model.ts';
import { type Reason, refTo } from '../model/reason.ts';

/** Maximum waiting runs of one job under `queue-all`. Further ones are skipped. */
export const MAX_WAITING_RUNS = 1_000;
/** Maximum runs named in a reason. */
const MAX_NAMED = 3;

/** The decision about the new run, and which of the others it replaces. */
export type Overlap =
  | { readonly kind: 'skip'; readonly reason: Reason }
  | { readonly kind: 'wait'; readonly reason: Reason; readonly replaces: readonly Run[] }
  | { readonly kind: 'start' };

export const starts: Overlap = { kind: 'start' };

/** Runs of backfills pass those of today over, and are passed over by them. */
export const isOfToday = ({ backfill }: Run): boolean => backfill === undefined;

/** `others`: the unfinished runs of the job that are no steps of backfills, oldest first. */
export function overlapOf(policy: Policy, others: readonly Run[], inRow: boolean): Overlap {
  const [first] = others;
  if (first === undefined || policy.overlap === 'allow') return starts;
  const skip = inRow ? null : skipReason(policy, first, others.filter(isWaiting));
  if (skip !== null) return { kind: 'skip', reason: skip };
  const replaces = policy.overlap === 'replace' ? others.filter((other) => other.inRow !== true) : [];
  return { kind: 'wait', reason: waitsFor(others), replaces };
}

/** The run waits for its turn, and not for a retry. */
export function isWaiting({ state, attempts }: Run): boolean {
  return state === 'waiting' && attempts.length === 0;
}

function skipReason({ overlap }: Policy, first: Run, waiting: readonly Run[]): Reason | null {
  const next = waiting.find((run) => run.inRow !== true);
  if (overlap === 'skip') return { code: 'overlap-unfinished', run: refTo(first), state: first.state };
  if (overlap === 'queue' && next !== undefined) return { code: 'overlap-waiting', run: refTo(next) };
  if (overlap === 'queue-all' && waiting.length >= MAX_WAITING_RUNS)
    return { code: 'overlap-limit', limit: MAX_WAITING_RUNS };
  return null;
}

function waitsFor(runs: readonly Run[]): Reason {
  const more = Math.max(0, runs.length - MAX_NAMED);
  return { code: 'waits-for-runs', runs: runs.slice(0, MAX_NAMED).map(refTo), more };
}
