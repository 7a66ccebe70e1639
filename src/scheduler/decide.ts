/**
 * Applies events to the state. `decide(state, event)` is synchronous, deterministic and free of I/O. It
 * changes the state in place and returns the writes to make durable and the effects to start afterwards.
 */

import { CarillonError, catalogue } from '../errors.ts';
import type { Asker } from './access/principal.ts';
import type { AnswerTo, ApplyResult, Command } from './command.ts';
import type { Event } from './event.ts';
import { EXTERNAL, EXTERNAL_TIMEOUT, isExternal } from './job/external.ts';
import { engineRetryDelayMs, policyFor } from './job/policy.ts';
import type { Run } from './model/model.ts';
import type { Reason } from './model/reason.ts';
import { awaitsCallback, isEnded, isWaiting } from './model/run-state.ts';
import { aboutCommand } from './rules/access/about.ts';
import { noteLine, noteRefusal, requestOf } from './rules/access/audit.ts';
import { alertOfAllLateness, alertOfLateness } from './rules/alerts/alerts.ts';
import { checkAllDeadlines, deadlinesDue } from './rules/alerts/deadlines.ts';
import { notified, owe, reviewAll, reviewDue } from './rules/alerts/notifications.ts';
import { systemLooked, unled } from './rules/alerts/system.ts';
import {
  attemptDeferred,
  attemptEnded,
  attemptOutputDropped,
  attemptPreparing,
  attemptRefused,
  attemptStarted,
  attemptUnplaced,
  callbackOverdue,
  reported,
} from './rules/attempts.ts';
import { continueAll } from './rules/backfill/progress.ts';
import { advance } from './rules/backfill/steps.ts';
import { holdEnds } from './rules/calendars/ends.ts';
import { closeRun } from './rules/closing.ts';
import { check } from './rules/commands.ts';
import { AHEAD_MS, CLOCK_BACK_MS, clockSetBack, decideDue, isForeseeable } from './rules/due.ts';
import { propagateEnds } from './rules/endings.ts';
import { holdsChanged, nodesChanged, placeRun } from './rules/placing.ts';
import { hostLost, reconcile, resume } from './rules/reconcile.ts';
import { killRun } from './rules/runs.ts';
import { nextDeadline, totalDeadline } from './state/deadline.ts';
import { type Decision, Draft } from './state/decision.ts';
import { moveInstants } from './state/durations.ts';
import type { RunTimer, Timed } from './state/entry.ts';
import type { Entry, State } from './state/state.ts';
import type { Due } from './state/timetable.ts';
import { newTurn, type Turn } from './state/turn.ts';

/** Due jobs and deadlines per decision; the rest follows at once, after events that arrived meanwhile. */
const MAX_DUE_PER_DECISION = 500;

/** A command's decision and its answer, which is valid once the decision is durable. */
export interface CommandDecided<C extends Command> {
  readonly decision: Decision;
  readonly answer: AnswerTo<C>;
}

/**
 * Checks a command without changing the state, even if it throws, and returns the function that decides. Call
 * that at once, before any other event.
 */
export function checkCommand<C extends Command>(
  state: State,
  now: number,
  command: C,
  asker?: Asker,
): () => CommandDecided<C> {
  const change = check({ state, now }, command, asker);
  return () => {
    const turn = newTurn(state, new Draft(now), requestOf(command, asker));
    const answer = change(turn);
    if (asker !== undefined && command.kind === 'apply' && !command.dryRun)
      noteRefused(turn, asker, answer as readonly ApplyResult[]);
    return { decision: turn.draft.done(), answer };
  };
}

/** Decides what the audit says of a command that was refused. Null: nothing. */
export function decideRefused(
  state: State,
  now: number,
  { command, asker, error }: { readonly command: Command; readonly asker: Asker; readonly error: unknown },
): Decision | null {
  // Other errors are of the moment, and say nothing about the command.
  if (!(error instanceof CarillonError) || catalogue[error.code].status >= 500) return null;
  if ('dryRun' in command && command.dryRun) return null;
  const draft = new Draft(now);
  const refused = { action: command.kind, on: aboutCommand(command), error };
  return noteRefusal({ state, draft }, asker, refused) ? draft.done() : null;
}

/** Of an `apply`, each job is refused by itself. */
function noteRefused(turn: Turn, asker: Asker, results: readonly ApplyResult[]): void {
  for (const { name, error } of results) {
    if (error !== null && !noteRefusal(turn, asker, { action: 'apply', on: name, error })) return;
  }
}

/** Decides all other events. */
export function decide(state: State, event: Exclude<Event, { kind: 'command' }>): Decision {
  if (event.kind === 'coming') return decideAhead(state, event);
  const turn = newTurn(state, new Draft(event.now));
  switch (event.kind) {
    case 'tick':
      return turn.draft.done(tick(turn));
    case 'leading':
      state.term = event.term;
      if (event.node !== undefined) noteLeading(turn, event.now, event.node);
      // Before the messages that are made below, which are sent as they are made.
      owe(turn);
      // Not known: the runs are taken for this clock's, and written, so that whoever follows knows whose they are.
      if (event.clockAhead?.mostMs !== 0) moveInstants(turn, event.clockAhead ?? { leastMs: 0, mostMs: 0 });
      clockSetBack(turn, CLOCK_BACK_MS);
      resume(turn);
      continueAll(turn);
      alertOfAllLateness(turn);
      checkAllDeadlines(turn);
      unled(turn, event.unledMs ?? 0);
      reviewAll(turn);
      break;
    case 'inventory':
      reconcile(turn, event.inventory);
      break;
    case 'observed':
      observed(turn, event);
      break;
    case 'refused':
      withNewest(turn, event.launchName, (run) => attemptRefused(turn, run, event.reason));
      break;
    case 'unplaced':
      withNewest(turn, event.launchName, (run) =>
        attemptUnplaced(turn, run, event.reason, () => deferralMs(turn, event.launchName)),
      );
      break;
    case 'deferred':
      withNewest(turn, event.launchName, (run) =>
        attemptDeferred(turn, run, unavailable(event.reason), deferralMs(turn, event.launchName)),
      );
      break;
    case 'host-lost':
      hostLost(turn, event.engine, event.host);
      break;
    case 'nodes':
      nodesChanged(turn, event.nodes);
      break;
    case 'looked':
      systemLooked(turn, event.troubles);
      break;
    case 'notified':
      notified(turn, event.id, event.error);
      break;
    case 'clock-set':
      clockSet(turn, event.byMs);
      break;
  }
  propagateEnds(turn);
  return turn.draft.done();
}

/** The line of a take-over. */
function noteLeading(turn: Turn, now: number, node: string): void {
  const { ledBefore, term } = turn.state;
  noteLine(turn, {
    at: now,
    by: { kind: 'node', name: node },
    from: null,
    via: null,
    action: 'lead',
    on: node,
    outcome: 'done',
    code: null,
    reason: null,
    before: ledBefore === null ? null : { term: ledBefore },
    after: { term },
  });
}

function clockSet(turn: Turn, byMs: number): void {
  moveInstants(turn, { leastMs: byMs, mostMs: byMs });
  // Those that were planned may now be days away.
  if (byMs < 0) checkAllDeadlines(turn);
  reviewAll(turn);
  continueAll(turn);
  if (byMs < -CLOCK_BACK_MS) clockSetBack(turn, 0);
  // Their ends are instants, not durations.
  holdsChanged(turn);
}

/**
 * Decides what is due at an instant as if it had come, in the usual order, up to the first that has to wait for it.
 * Deadlines do: they are durations.
 */
function decideAhead(state: State, { now, instant }: Extract<Event, { kind: 'coming' }>): Decision {
  // It has come meanwhile, or the clock was set back.
  if (instant <= now || instant > now + AHEAD_MS) return decide(state, { kind: 'tick', now });
  const turn = newTurn(state, new Draft(instant, now));
  const isReady = ({ instant: at, subject }: Due<Timed>): boolean =>
    at === instant && 'due' in subject && (subject.due !== at || isForeseeable(subject));
  return turn.draft.done(tick(turn, isReady));
}

/** Decides what is due in the timetable. True if there is more at this time. */
function tick(turn: Turn, mayTake?: (due: Due<Timed>) => boolean): boolean {
  const { state, draft } = turn;
  for (let taken = 0; taken < MAX_DUE_PER_DECISION; taken++) {
    const due = state.timetable.takeDue(draft.now, mayTake);
    if (due === null) return false;
    if ('lateRun' in due.subject) alertOfLateness(turn, due.subject.lateRun);
    else if ('deadlineOf' in due.subject) deadlinesDue(turn, due.instant, due.subject);
    else if ('backfill' in due.subject) {
      advance(turn, due.subject.backfill);
      propagateEnds(turn);
    } else if ('alert' in due.subject) reviewDue(turn, due.instant, due.subject);
    else if ('run' in due.subject) meetDeadline(turn, due.subject);
    else if ('ends' in due.subject) holdEnds(turn, due.subject);
    else if (due.subject.due === due.instant || due.subject.out === due.instant) decideDue(turn, due.subject);
    draft.cut();
  }
  return true;
}

/** A run's deadline has passed: retry, stop waiting, or end an attempt that takes too long. */
function meetDeadline(turn: Turn, { run }: RunTimer): void {
  const entry = turn.state.jobs.get(run.job);
  const deadline = nextDeadline(run, entry);
  if (entry === undefined || isEnded(run.state) || deadline === null) return;
  if (deadline > turn.draft.now) {
    // Plans have changed since the entry was made.
    turn.state.watch(run);
    return;
  }
  const policy = policyFor(entry.job.definition);
  const total = run.kill === null ? totalDeadline(run, policy) : null;
  if (total !== null && total <= turn.draft.now) {
    const timeout = entry.job.definition.policy?.totalTimeout ?? '';
    endOverdue(turn, run, { code: 'total-timeout', timeout });
  } else if (run.startBy !== null && run.startBy < turn.draft.now && run.attempts.length === 0)
    closeRun(turn, run, 'missed', windowPassed(entry, run));
  else if (run.notBefore !== null && run.notBefore <= turn.draft.now) placeRun(turn, entry, run);
  else if (run.kill !== null)
    closeRun(turn, run, run.kill.as, { code: 'kill-unconfirmed', because: run.kill.reason });
  else if (run.state === 'running') {
    const timeout = entry.job.definition.policy?.timeout ?? EXTERNAL_TIMEOUT;
    endOverdue(turn, run, { code: 'timeout', timeout });
  }
  propagateEnds(turn);
  if (!isEnded(run.state)) turn.state.watch(run);
}

/** An attempt, or a run without one, that takes too long. */
function endOverdue(turn: Turn, run: Run, reason: Reason): void {
  if (isWaiting(run.state)) closeRun(turn, run, 'timed-out', reason);
  else if (awaitsCallback(run) || run.attempts.at(-1)?.engine === EXTERNAL)
    callbackOverdue(turn, run, reason);
  else killRun(turn, run, { by: 'timeout', as: 'timed-out', reason });
}

const windowPassed = ({ job }: Entry, { reason: because }: Run): Reason =>
  isExternal(job.definition) ? { code: 'not-reported' } : { code: 'start-window', because };

const unavailable = (text: string): Reason => ({ code: 'engine-unavailable', text });

function observed(turn: Turn, { observation, by }: Extract<Event, { kind: 'observed' }>): void {
  withNewest(turn, observation.launchName, (run) => {
    const { engine, host } = run.attempts.at(-1) ?? {};
    if (by !== undefined && (engine !== by.engine || host !== by.host)) return;
    if (observation.kind === 'preparing') attemptPreparing(turn, run, observation.detail);
    else if (observation.kind === 'started') {
      const attempt = run.attempts.at(-1);
      if (attempt !== undefined && run.state === 'launching') attempt.seenAt = turn.draft.now;
      attemptStarted(turn, run, observation.at, observation.image);
    } else if (observation.kind === 'output-dropped') {
      attemptOutputDropped(turn, run, observation.bytesDropped);
    } else {
      attemptEnded(turn, run, {
        at: observation.at,
        startedAt: observation.startedAt ?? null,
        exitCode: observation.exitCode,
        reason: reported(observation),
        infrastructure: observation.infrastructure ?? false,
        bytesDropped: observation.bytesDropped,
        usage: observation.usage,
      });
    }
  });
}

/** Engines may repeat themselves and report ended attempts: only a run's newest attempt counts. */
function withNewest(turn: Turn, launchName: string, act: (run: Run) => void): void {
  const run = turn.state.launches.get(launchName);
  if (run?.attempts.at(-1)?.launchName === launchName) act(run);
}

function deferralMs(turn: Turn, launchName: string): number {
  const { deferrals } = turn.state;
  const times = deferrals.get(launchName) ?? 0;
  deferrals.set(launchName, times + 1);
  return engineRetryDelayMs(times);
}
