/**
 * What becomes of a run that is due while others of its job are unfinished.
 *
 * Late due instants that are all run (`catchUp: all`, or a start window) are a row: they run one after the other,
 * whatever the overlap policy is, unless it allows several at once. None of them is skipped for another one or replaces
 * it. A due instant that comes on time while the row is under way waits at its end, as long as no more than
 * `catchUpLimit` wait: whoever asked for each instant gets it. Behind the row the policy holds again.
 */

import type { Policy } from '../job/policy.ts';
import type { Run } from '../model/model.ts';

/** Runs of one job that may wait for their turn under `queue-all`; more are skipped. */
export const MAX_WAITING_RUNS = 1_000;
/** Runs that a reason names. */
const MAX_NAMED = 3;

/** What is decided about the new run, and which of the others it replaces. */
export type Overlap =
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'wait'; readonly reason: string; readonly replaces: readonly Run[] }
  | { readonly kind: 'start' };

export interface Coming {
  readonly byClock: boolean;
  readonly inRow: boolean;
}

/** `others`: the unfinished runs of the job, oldest first. */
export function overlapOf(policy: Policy, others: readonly Run[], { byClock, inRow }: Coming): Overlap {
  const [first] = others;
  if (first === undefined || policy.overlap === 'allow') return { kind: 'start' };
  const waiting = others.filter((other) => other.state === 'waiting' && other.attempts.length === 0);
  const rows = others.filter((other) => other.inRow === true);
  const joins = inRow || (byClock && rows.length > 0 && waiting.length < policy.catchUpLimit);
  const reason = `waits for ${named(others)} to end`;
  if (joins) {
    const replaces = policy.overlap === 'replace' && rows.length === 0 ? others : [];
    return { kind: 'wait', reason, replaces };
  }
  const skip = skipReason(policy, first, waiting);
  if (skip !== null) return { kind: 'skip', reason: `overlap: ${skip}` };
  return { kind: 'wait', reason, replaces: policy.overlap === 'replace' ? others : [] };
}

function skipReason({ overlap }: Policy, first: Run, waiting: readonly Run[]): string | null {
  const [next] = waiting;
  if (overlap === 'skip') return `${first.id} is still ${first.state}`;
  if (overlap === 'queue' && next !== undefined) return `${next.id} waits already`;
  if (overlap === 'queue-all' && waiting.length >= MAX_WAITING_RUNS)
    return `${MAX_WAITING_RUNS} runs wait already, which is the most`;
  return null;
}

function named(runs: readonly Run[]): string {
  const more = runs.length - MAX_NAMED;
  const names = runs.slice(0, MAX_NAMED).map(({ id }) => id);
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
