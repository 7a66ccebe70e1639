/**
 * Alerts: when a condition of a job opens one, what ends it, and which receivers are notified. An alert and its messages
 * are written in the atomic group of their cause, so that none can be lost, or sent twice under another key.
 *
 * - *failed*: as many runs in a row as `alerts.after` failed. A kill by a user is no failure.
 * - *missed*: a due time passed without a run.
 * - *disabled*: `policy.disableAfterFailures` was reached.
 * - *late*, *long*: a run has not started or ended in time, or runs unusually long; see state/late.ts.
 *
 * A run that succeeds ends *failed* and *missed*; resuming the job ends *disabled*; *late* and *long* end when no run is.
 * Jobs that are skipped because a parent failed open nothing: the parent's alert counts them.
 */

import { invariant } from '../../errors.ts';
import {
  type Alert,
  type AlertEnd,
  type AlertStep,
  type Condition,
  conditions,
  type Notification,
  type Severity,
} from '../model/alert.ts';
import { compactInstant } from '../model/ids.ts';
import type { EndState, Run } from '../model/model.ts';
import type { Reason } from '../model/reason.ts';
import { isEnded } from '../model/run-state.ts';
import { alertKey } from '../records/table.ts';
import { lateRuns } from '../state/late.ts';
import type { Entry } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { routed } from './routes.ts';

/** More are not kept for a receiver that does not respond: new ones fail at once. */
const MAX_WAITING = 1_000;
/** Each message has owner and labels of the job, which may be long: only what can tell alerts apart. */
const MAX_OWNER = 200;
const MAX_LABEL = 200;
/** Notifications that were not delivered; the oldest are dropped. */
const MAX_FAILED = 100;

const severities: Readonly<Record<Condition, Severity>> = {
  failed: 'critical',
  disabled: 'critical',
  late: 'warning',
  long: 'warning',
  missed: 'warning',
};

/** What a condition is about, as far as it has it. */
type Cause = Pick<Alert, 'run' | 'attempt' | 'reason'>;

/** A run of the job has ended; its counters are up to date. */
export function alertOfEnd(turn: Turn, entry: Entry, run: Run, end: EndState): void {
  endLateness(turn, entry);
  const cause: Cause = { run: run.id, attempt: run.attempts.at(-1)?.number ?? null, reason: run.reason };
  if (end === 'succeeded') {
    for (const condition of ['failed', 'missed'] as const) endAlert(turn, entry, condition, 'recovered');
  } else if (end === 'missed') raise(turn, entry, 'missed', cause, 1);
  else if (end !== 'skipped' && end !== 'killed') {
    const { consecutiveFailures, disabled } = entry.state;
    // After a resume they are counted anew, and an alert may still be open.
    const isFailing = isOpen(turn, entry, 'failed');
    if (isFailing || consecutiveFailures >= (entry.job.definition.alerts?.after ?? 1))
      raise(turn, entry, 'failed', cause, isFailing ? 1 : consecutiveFailures);
    if (disabled !== null && !isOpen(turn, entry, 'disabled'))
      raise(turn, entry, 'disabled', { ...cause, reason: disabled.reason }, 1);
  }
}

/** Due times passed without a run. */
export function alertOfMissed(turn: Turn, entry: Entry, count: number, reason: Reason): void {
  raise(turn, entry, 'missed', { run: null, attempt: null, reason }, count);
}

/** The time has come at which the run may be late; it may also have ended, or a new leader looks. */
export function alertOfLateness(turn: Turn, run: Run): void {
  const entry = turn.state.jobs.get(run.job);
  if (entry === undefined || isEnded(run.state)) return;
  for (const { condition, reason } of lateRuns(entry, run, turn.draft.now)) {
    if (isOpen(turn, entry, condition)) continue;
    raise(turn, entry, condition, { run: run.id, attempt: run.attempts.at(-1)?.number ?? null, reason }, 1);
  }
  turn.state.watchLater(run, turn.draft.now);
}

/** A new leader looks what has become late meanwhile. */
export function alertOfAllLateness(turn: Turn): void {
  for (const run of [...turn.state.runs.values()]) {
    alertOfLateness(turn, run);
    turn.draft.cut();
  }
}

/** A run has started or ended, or the job has changed: it may no longer be late. */
export function endLateness(turn: Turn, entry: Entry): void {
  for (const condition of ['late', 'long'] as const) {
    if (!isOpen(turn, entry, condition)) continue;
    const isLate = (run: Run): boolean =>
      lateRuns(entry, run, turn.draft.now).some((late) => late.condition === condition);
    if (!entry.runs.some(isLate)) endAlert(turn, entry, condition, 'recovered');
  }
}

/** Ends all alerts of a job that is deleted. */
export function endAlerts(turn: Turn, entry: Entry, end: AlertEnd): void {
  for (const condition of conditions) endAlert(turn, entry, condition, end);
}

export function endAlert(turn: Turn, entry: Entry, condition: Condition, end: AlertEnd): void {
  const { state, draft } = turn;
  const key = alertKey({ job: entry.job.name, condition });
  const open = state.alerts.get(key);
  if (open === undefined) return;
  const { on } = entry.job.definition.alerts ?? {};
  const ended: Alert = { ...open, endedAt: draft.now, end, messages: open.messages + 1 };
  state.alerts.delete(key);
  draft.alert(ended);
  draft.act({ kind: 'alert.resolved', job: open.job, condition });
  if (on === undefined || on.includes('recovered')) tell(turn, ended, 'resolved', ended.told);
}

const isOpen = ({ state }: Turn, { job }: Entry, condition: Condition): boolean =>
  state.alerts.has(alertKey({ job: job.name, condition }));

/** The condition has occurred: opens its alert, or adds to the open one. */
function raise(turn: Turn, entry: Entry, condition: Condition, cause: Cause, times: number): void {
  const { state, draft } = turn;
  const key = alertKey({ job: entry.job.name, condition });
  const open = state.alerts.get(key);
  const before = open ?? opened(turn, entry, condition);
  let alert: Alert = { ...before, ...cause, count: before.count + times };
  // While the job was muted, nobody was notified.
  const receivers =
    isMuted(entry, draft.now) || before.told.length > 0 ? [] : receiversOf(turn, entry, condition);
  if (receivers.length > 0) alert = { ...alert, messages: alert.messages + 1, told: receivers };
  state.alerts.set(key, alert);
  draft.alert(alert);
  if (open === undefined)
    draft.act({
      kind: 'alert.opened',
      job: alert.job,
      condition,
      ...(alert.run !== null && { run: alert.run }),
      ...(alert.reason !== null && { reason: alert.reason }),
    });
  tell(turn, alert, 'opened', receivers);
}

function opened({ state, draft }: Turn, { job }: Entry, condition: Condition): Alert {
  const { owner = null, labels = {} } = job.definition;
  return {
    id: `${job.name}.${condition}.${compactInstant(state.outbox.nextOrder(draft.now))}`,
    job: job.name,
    condition,
    severity: job.definition.alerts?.severity ?? severities[condition],
    owner: owner?.slice(0, MAX_OWNER) ?? null,
    labels: Object.fromEntries(Object.entries(labels).filter(([, value]) => value.length <= MAX_LABEL)),
    since: draft.now,
    count: 0,
    run: null,
    attempt: null,
    reason: null,
    downstream: state.graph.descendants(job.name).length,
    messages: 0,
    told: [],
    acknowledged: null,
    endedAt: null,
    end: null,
  };
}

const isMuted = ({ state: { muted } }: Entry, now: number): boolean => muted !== null && muted.until > now;

/** Those that the job names, or else those of the routes. */
function receiversOf({ state, draft }: Turn, { job }: Entry, condition: Condition): readonly string[] {
  const { owner = null, labels = {}, alerts } = job.definition;
  if (alerts?.on !== undefined && !alerts.on.includes(condition)) return [];
  if (alerts?.to !== undefined) return [...new Set(alerts.to)];
  const severity = alerts?.severity ?? severities[condition];
  return routed(state.settings.routes ?? [], { owner, labels, condition, severity }, draft.now);
}

/** Makes a message for each receiver. */
function tell(turn: Turn, alert: Alert, step: AlertStep, receivers: readonly string[]): void {
  const { state, draft } = turn;
  for (const receiver of receivers) {
    const isFull = state.outbox.waitingFor(receiver) >= MAX_WAITING;
    put(turn, {
      id: `${alert.id}.${alert.messages}.${receiver}`,
      receiver,
      job: alert.job,
      step,
      alert,
      at: draft.now,
      order: state.outbox.nextOrder(draft.now),
      state: isFull ? 'failed' : 'waiting',
      error: isFull ? `${MAX_WAITING} messages already wait for this receiver` : null,
      endedAt: null,
    });
  }
}

function put(turn: Turn, notification: Notification): void {
  const { state, draft } = turn;
  const { receiver } = notification;
  state.outbox.put(notification);
  draft.notification(notification);
  if (notification.state !== 'failed') return;
  const failed = state.outbox.failedFor(receiver);
  for (const old of failed.slice(0, Math.max(0, failed.length - MAX_FAILED))) {
    state.outbox.remove(old.id);
    draft.notification({ ...old, state: 'dropped', endedAt: draft.now });
  }
}

/** What a receiver made of a notification. An answer to one that was answered before changes nothing. */
export function notified(turn: Turn, id: string, error: string | null): void {
  const { state, draft } = turn;
  const notification = state.outbox.get(id);
  if (notification?.state !== 'waiting') return;
  if (error !== null) {
    put(turn, { ...notification, state: 'failed', error });
    return;
  }
  state.outbox.remove(id);
  draft.notification({ ...notification, state: 'delivered', error: null, endedAt: draft.now });
}

/** A failed notification is sent again, after those that wait. */
export function sendAgain(turn: Turn, id: string): Notification {
  const { state, draft } = turn;
  const notification = state.outbox.get(id);
  invariant(notification !== undefined, 'a checked notification is in the outbox');
  if (notification.state === 'waiting') {
    // It need not wait for its next try.
    draft.effect({ kind: 'notify', notification });
    return notification;
  }
  const again = {
    ...notification,
    state: 'waiting',
    error: null,
    at: draft.now,
    order: state.outbox.nextOrder(draft.now),
  } as const;
  put(turn, again);
  return again;
}

/** A new leader sends what is owed. */
export function owe({ state, draft }: Turn): void {
  for (const notification of state.outbox.inOrder())
    if (notification.state === 'waiting') draft.effect({ kind: 'notify', notification });
}
