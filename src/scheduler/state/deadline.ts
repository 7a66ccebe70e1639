/** Until when an unfinished run may stay as it is: retries, start windows, timeouts, kills. */

import { type Policy, policyFor } from '../job/policy.ts';
import type { Attempt, Job, Run } from '../model/model.ts';
import { isEnded } from '../model/run-state.ts';

/** How long after asking for a kill the engine may stay silent before the run counts as lost. */
export const KILL_SILENCE_MS = 60_000;

/** The next instant at which something about the run must be decided though nothing is heard of it. */
export function nextDeadline(run: Run, entry: { readonly job: Job } | undefined): number | null {
  if (isEnded(run.state)) return null;
  const attempt = run.attempts.at(-1);
  const policy = policyFor(entry?.job.definition);
  const deadlines: number[] = [];
  if (run.notBefore !== null) deadlines.push(run.notBefore);
  if (run.startBy !== null && run.attempts.length === 0) deadlines.push(run.startBy + 1);
  if (run.state === 'running' && attempt !== undefined && policy.timeoutMs !== null && run.kill === null)
    deadlines.push(runsSince(attempt) + policy.timeoutMs);
  const total = totalDeadline(run, policy);
  if (total !== null && run.kill === null) deadlines.push(total);
  if (run.kill !== null) deadlines.push(run.kill.at + policy.killAfterMs + KILL_SILENCE_MS);
  return deadlines.length === 0 ? null : Math.min(...deadlines);
}

/** Until when all attempts together may take. Null: there is no limit, or none has started. */
export function totalDeadline({ attempts }: Run, { totalTimeoutMs }: Policy): number | null {
  const [first] = attempts;
  if (totalTimeoutMs === null || first === undefined) return null;
  const hasBegun = first.startedAt !== null || first.endedAt !== null;
  return hasBegun ? runsSince(first) + totalTimeoutMs : null;
}

/** By the leader's clock, where it saw the start: the engine's may be another. */
const runsSince = ({ seenAt, startedAt, createdAt }: Attempt): number => seenAt ?? startedAt ?? createdAt;
