/**
 * Handles what engines report about an attempt (started, ended, refused, not reachable) and decides what
 * follows for its run: another attempt or its end.
 */

import { EXTERNAL } from '../job/external.ts';
import { isRetried, type Policy, placeRetryDelayMs, policyOf, retryDelayMs } from '../job/policy.ts';
import type { Attempt, Run, Usage } from '../model/model.ts';
import { isSame, type Reason } from '../model/reason.ts';
import { awaitsCallback, nextRunState, readyAt } from '../model/run-state.ts';
import type { EndReason } from '../ports.ts';
import { totalDeadline } from '../state/deadline.ts';
import type { Entry } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { fold, type Sample } from '../stats/stats.ts';
import { endLateness } from './alerts/alerts.ts';
import { closeRun } from './closing.ts';
import { askToLaunch } from './launch.ts';

/** The result of an attempt, as an input of the run state machine. */
interface AttemptEnd {
  readonly outcome: 'succeeded' | 'failed' | 'lost' | 'killed' | 'timed-out' | 'skipped';
  readonly reason: Reason | null;
}

/** The engine is waiting for something before it can start the attempt. */
export function attemptPreparing(turn: Turn, run: Run, text: string): void {
  const reason = { code: 'preparing', text } as const;
  if (run.state !== 'launching' || isSame(run.reason, reason)) return;
  run.reason = reason;
  turn.draft.run(run);
}

/** The engine has started the attempt, with this image. */
export function attemptStarted(turn: Turn, run: Run, at: number, image?: string): void {
  const attempt = run.attempts.at(-1);
  if (attempt === undefined || run.state !== 'launching') return;
  run.state = nextRunState(run.state, 'start');
  run.reason = null;
  noteStart(turn, attempt, at);
  if (image !== undefined) attempt.image = image;
  turn.state.deferrals.delete(attempt.launchName);
  turn.draft.run(run);
  turn.state.watch(run);
  const entry = turn.state.jobs.get(run.job);
  if (entry !== undefined) beginsToRun(turn, entry, run);
}

/** It is no longer late to start, and may be late to end. */
function beginsToRun(turn: Turn, entry: Entry, run: Run): void {
  turn.state.watchLate(run, turn.draft.now);
  endLateness(turn, entry);
}

function noteStart({ state, draft }: Turn, attempt: Attempt, at: number): void {
  // An engine's clock may differ: a run never starts before it was decided, or in the future.
  attempt.startedAt = Math.max(Math.min(at, draft.now), attempt.createdAt);
  if (attempt.term === state.term) state.startTimes.count(attempt);
}

/** More of its output was dropped. */
export function attemptOutputDropped(turn: Turn, run: Run, bytesDropped: number): void {
  const attempt = run.attempts.at(-1);
  if (attempt === undefined || attempt.endedAt !== null || bytesDropped <= (attempt.bytesDropped ?? 0))
    return;
  attempt.bytesDropped = bytesDropped;
  turn.draft.run(run);
}

/** The attempt has ended: retry it, or end the run. */
export function attemptEnded(
  turn: Turn,
  run: Run,
  end: {
    at: number;
    startedAt: number | null;
    exitCode: number | null;
    reason: Reason | null;
    infrastructure: boolean;
    bytesDropped?: number | null | undefined;
    usage?: Usage | undefined;
  },
): void {
  const attempt = run.attempts.at(-1);
  const entry = turn.state.jobs.get(run.job);
  if (attempt === undefined || attempt.endedAt !== null || entry === undefined || awaitsCallback(run)) return;
  if (attempt.startedAt === null && end.startedAt !== null) noteStart(turn, attempt, end.startedAt);
  attempt.exitCode = end.exitCode;
  if (end.bytesDropped !== undefined) attempt.bytesDropped = end.bytesDropped;
  if (end.usage !== undefined) attempt.usage = end.usage;
  turn.state.deferrals.delete(attempt.launchName);
  const policy = policyOf(entry.job.definition.policy);
  const verdict = judge(run, end, policy);
  const byCallback = policy.completion === 'callback';
  if (byCallback && verdict.outcome === 'succeeded' && run.told === undefined)
    awaitCallback(turn, entry, run);
  else finishAttempt(turn, entry, run, { ...verdict, at: end.at });
}

/** The command exited with 0. With `completion: callback` the run stays `running` until its result is reported. */
function awaitCallback(turn: Turn, entry: Entry, run: Run): void {
  const wasLaunching = run.state === 'launching';
  if (wasLaunching) run.state = nextRunState(run.state, 'start');
  run.reason = { code: 'awaits-callback' };
  turn.draft.run(run);
  turn.state.watch(run);
  if (wasLaunching) beginsToRun(turn, entry, run);
}

/** Stores a reported result. While the command runs, it is kept until the command ends. */
export function reportResult(turn: Turn, run: Run, result: { succeeded: boolean; by: string }): void {
  const entry = turn.state.jobs.get(run.job);
  if (entry === undefined) return;
  if (!awaitsCallback(run)) {
    run.told = { at: turn.draft.now, ...result };
    turn.draft.run(run);
    return;
  }
  const verdict: AttemptEnd = result.succeeded
    ? { outcome: 'succeeded', reason: null }
    : { outcome: 'failed', reason: { code: 'reported-failed', by: result.by } };
  finishAttempt(turn, entry, run, { ...verdict, at: turn.draft.now });
}

/** No result was reported within the timeout. */
export function callbackOverdue(turn: Turn, run: Run, reason: Reason): void {
  const entry = turn.state.jobs.get(run.job);
  if (entry !== undefined)
    finishAttempt(turn, entry, run, { outcome: 'timed-out', reason, at: turn.draft.now });
}

/** Ends the newest attempt: its figures are counted, and the run is retried or ends. */
export function finishAttempt(
  turn: Turn,
  entry: Entry,
  run: Run,
  verdict: AttemptEnd & { at: number },
): void {
  const attempt = run.attempts.at(-1);
  if (attempt === undefined) return;
  // Nor does it end in the future: a job on a host can write what is read there.
  attempt.endedAt = Math.max(Math.min(verdict.at, turn.draft.now), attempt.startedAt ?? attempt.createdAt);
  attempt.reason = verdict.reason;
  countAttempt(turn, entry, run, verdict.outcome);
  for (const key of turn.state.slots.release(run)) turn.freed.add(key);
  if (retry(turn, entry, run, verdict)) endLateness(turn, entry);
  else closeRun(turn, run, verdict.outcome, verdict.reason);
}

function judge(
  run: Run,
  end: { exitCode: number | null; reason: Reason | null; infrastructure: boolean },
  { skipExitCodes }: Policy,
): AttemptEnd {
  if (run.kill !== null) return { outcome: run.kill.as, reason: run.kill.reason };
  if (end.reason?.code === 'timeout-enforced') return { outcome: 'timed-out', reason: end.reason };
  if (end.exitCode === 0 && run.told?.succeeded === false)
    return { outcome: 'failed', reason: { code: 'reported-failed', by: run.told.by } };
  if (end.exitCode === 0) return { outcome: 'succeeded', reason: null };
  if (end.exitCode === null || end.infrastructure) {
    return { outcome: 'lost', reason: end.reason ?? { code: 'end-unknown' } };
  }
  if (skipExitCodes.includes(end.exitCode) && end.reason?.code !== 'launch-refused')
    return { outcome: 'skipped', reason: { code: 'skip-exit-code', exitCode: end.exitCode } };
  return { outcome: 'failed', reason: end.reason ?? { code: 'exit-code', exitCode: end.exitCode } };
}

/** How long it took to find that there was nothing to do says nothing of how long the job takes. */
function countAttempt(turn: Turn, entry: Entry, run: Run, outcome: AttemptEnd['outcome']): void {
  const attempt = run.attempts.at(-1);
  if (attempt === undefined || attempt.startedAt === null || attempt.endedAt === null) return;
  const sample: Sample = {};
  if (outcome !== 'skipped')
    sample[outcome === 'succeeded' ? 'runTime' : 'failedRunTime'] = attempt.endedAt - attempt.startedAt;
  const { cpuMs, peakBytes } = isMeasured(attempt) ? attempt.usage : {};
  if (cpuMs !== undefined) sample.cpuTime = cpuMs;
  if (peakBytes !== undefined) sample.peakMemory = peakBytes;
  if (attempt.number === 1) {
    sample.startLateness = attempt.startedAt - readyAt(run);
    if (attempt.engine !== EXTERNAL) sample.queueWait = attempt.startedAt - run.createdAt;
  }
  entry.stats = fold(entry.stats, entry.job.name, sample, turn.draft.now);
  turn.draft.stats(entry.stats);
}

/** What it used was measured at its end, or in the last tenth of its time. */
function isMeasured(attempt: Attempt): attempt is Attempt & { usage: Usage } {
  const { usage, startedAt, endedAt } = attempt;
  if (usage === undefined || startedAt === null || endedAt === null) return false;
  return usage.until === undefined || endedAt - usage.until <= (endedAt - startedAt) / 10;
}

/** Returns true if another attempt will follow. */
function retry(turn: Turn, entry: Entry, run: Run, verdict: AttemptEnd): boolean {
  const { outcome, reason: because } = verdict;
  if (outcome === 'succeeded' || outcome === 'killed' || outcome === 'skipped') return false;
  const policy = policyOf(entry.job.definition.policy);
  const failures = run.attempts.length;
  if (failures > policy.retries.limit) return false;
  const exitCode = because?.code === 'launch-refused' ? null : (run.attempts.at(-1)?.exitCode ?? null);
  if (outcome === 'failed' && !isRetried(policy, exitCode)) return false;
  const at = turn.draft.now + retryDelayMs(policy, run.id, failures);
  const until = totalDeadline(run, policy);
  // It would be ended before it could do anything.
  if (because?.code === 'total-timeout' || (until !== null && at >= until)) return false;
  run.state = nextRunState(run.state, 'retry');
  run.kill = null;
  run.told = undefined;
  run.notBefore = at;
  run.reason = { code: 'retry', attempt: failures, limit: policy.retries.limit, outcome, because, at };
  turn.draft.run(run);
  turn.state.watch(run);
  return true;
}

/** What the engine says of an end. */
export function reported({ reason: text, cause }: Partial<EndReason>): Reason | null {
  if (text === undefined) return null;
  return cause === undefined ? { code: 'engine-report', text } : { ...cause, text };
}

/** The engine refused the attempt: nothing runs. */
export function attemptRefused(turn: Turn, run: Run, text: string): void {
  attemptEnded(turn, run, {
    at: turn.draft.now,
    startedAt: null,
    exitCode: 126,
    reason: { code: 'launch-refused', text },
    infrastructure: false,
  });
}

/**
 * The engine has no capacity and created nothing: requeue the run and release its slots. If the attempt was
 * requested more than once, an earlier request may still succeed, so the run stays `launching`.
 */
export function attemptUnplaced(turn: Turn, run: Run, text: string, delayMs: () => number): void {
  const { state, draft } = turn;
  const launchName = run.attempts.at(-1)?.launchName ?? '';
  if (run.state !== 'launching') return;
  if (run.kill !== null) attemptRefused(turn, run, text);
  else if (!state.askedOnce.has(launchName))
    attemptDeferred(turn, run, { code: 'no-capacity', text }, delayMs());
  else {
    state.dropAttempt(run);
    for (const key of state.slots.release(run)) turn.freed.add(key);
    const readySince = run.attempts.at(-1)?.endedAt ?? run.createdAt;
    run.state = nextRunState(run.state, 'queue');
    run.reason = { code: 'no-capacity', text };
    run.notBefore = draft.now + placeRetryDelayMs(draft.now - readySince);
    draft.run(run);
    state.watch(run);
  }
}

/** The engine was unreachable: request the same attempt again later. */
export function attemptDeferred(turn: Turn, run: Run, reason: Reason, delayMs: number): void {
  const entry = turn.state.jobs.get(run.job);
  if (entry === undefined || run.state !== 'launching') return;
  run.reason = reason;
  turn.draft.run(run);
  askToLaunch(turn, entry, run, delayMs);
}
