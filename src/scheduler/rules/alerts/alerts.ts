/**
 * Alerts: when a condition of a job opens one, what ends it, and which receivers are notified. An alert and its messages
 * are written in the atomic group of their cause, so that none can be lost, or sent twice under another key; see
 * notifications.ts.
 *
 * - *failed*: as many runs in a row as `alerts.after` failed. A kill by a user is no failure.
 * - *missed*: a due time passed without a run.
 * - *disabled*: `policy.disableAfterFailures` was reached.
 * - *late*, *long*, *at-risk*: a run has not started or ended in time, runs unusually long, or will not end in time;
 *   see state/late.ts, and deadlines.ts for jobs without a run.
 * - *held-back*: an open round waits for a job that is paused or disabled.
 * - *skipped*: a due time was skipped because an earlier run was unfinished; only if `alerts.on` names it.
 *
 * A run that succeeds ends *failed*, *missed* and *skipped*; resuming the job ends *disabled*; the others end when they no longer
 * hold. *succeeded* and *pipeline-done* are notices: a message, and no alert.
 * Jobs that are skipped because a parent failed open nothing: the parent's alert counts them.
 */

import {
  type Alert,
  type AlertEnd,
  type Condition,
  freshAlert,
  jobConditions,
  type Notice,
  type Severity,
} from '../../model/alert.ts';
import { compactInstant } from '../../model/ids.ts';
import type { EndState, Run } from '../../model/model.ts';
import type { Reason } from '../../model/reason.ts';
import { isEnded } from '../../model/run-state.ts';
import { alertKey } from '../../records/table.ts';
import { lateRuns } from '../../state/late.ts';
import { heldRound, lateRound } from '../../state/rounds.ts';
import type { Entry } from '../../state/state.ts';
import type { Turn } from '../../state/turn.ts';
import { receiversOf, review, tell } from './notifications.ts';
import { definitionOf } from './silence.ts';

/** Each message has owner and labels of the job, which may be long: only what can tell alerts apart. */
const MAX_OWNER = 1_000;
const MAX_LABEL = 200;

export const usualSeverity: Readonly<Record<Condition, Severity>> = {
  failed: 'critical',
  disabled: 'critical',
  late: 'warning',
  long: 'warning',
  missed: 'warning',
  'at-risk': 'warning',
  'held-back': 'warning',
  skipped: 'warning',
  'pipeline-late': 'critical',
  'engine-unreachable': 'critical',
  'queue-growing': 'warning',
  undecided: 'critical',
  'store-slow': 'warning',
  expiring: 'warning',
  unled: 'warning',
  succeeded: 'info',
  'pipeline-done': 'info',
};

/** What a condition is about, as far as it has it. */
type Cause = Pick<Alert, 'run' | 'attempt' | 'reason'>;

/** A run of the job has ended; its counters are up to date. */
export function alertOfEnd(turn: Turn, entry: Entry, run: Run, end: EndState): void {
  endLateness(turn, entry);
  const cause: Cause = { run: run.id, attempt: run.attempts.at(-1)?.number ?? null, reason: run.reason };
  if (end === 'succeeded') {
    for (const condition of ['failed', 'missed', 'skipped'] as const)
      endAlert(turn, entry, condition, 'recovered');
    notice(turn, entry, 'succeeded', cause);
  } else if (end === 'missed') raise(turn, entry, 'missed', cause, 1);
  else if (end === 'skipped') alertOfSkipped(turn, entry, cause);
  else if (end !== 'killed') {
    const { consecutiveFailures, disabled } = entry.state;
    // After a resume they are counted anew, and an alert may still be open.
    const isFailing = isOpen(turn, entry, 'failed');
    if (isFailing || consecutiveFailures >= (entry.job.definition.alerts?.after ?? 1))
      raise(turn, entry, 'failed', cause, isFailing ? 1 : consecutiveFailures);
    if (disabled !== null && !isOpen(turn, entry, 'disabled'))
      raise(turn, entry, 'disabled', { ...cause, reason: disabled.reason }, 1);
  }
}

/** Only for those who ask for it: many jobs are meant to skip due times. */
function alertOfSkipped(turn: Turn, entry: Entry, cause: Cause): void {
  const isOverlap = cause.reason?.code.startsWith('overlap-') ?? false;
  if (isOverlap && entry.job.definition.alerts?.on?.includes('skipped'))
    raise(turn, entry, 'skipped', cause, 1);
}

/** Due times passed without a run. */
export function alertOfMissed(turn: Turn, entry: Entry, count: number, reason: Reason): void {
  raise(turn, entry, 'missed', { run: null, attempt: null, reason }, count);
}

/** The time has come at which the run may be late; it may also have ended, or a new leader looks. */
export function alertOfLateness(turn: Turn, run: Run): void {
  const entry = turn.state.jobs.get(run.job);
  if (entry === undefined || isEnded(run.state)) return;
  for (const { condition, kind, reason } of lateRuns(entry, run, turn.draft.now)) {
    if (isOpen(turn, entry, condition)) continue;
    if (condition === 'late' && kind === 'not-ended') endAlert(turn, entry, 'at-risk', 'overdue');
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
  for (const condition of ['late', 'long', 'at-risk'] as const) {
    if (!isOpen(turn, entry, condition)) continue;
    const isLate = (run: Run): boolean =>
      lateRuns(entry, run, turn.draft.now).some((late) => late.condition === condition);
    if (!entry.runs.some(isLate) && lateRound(turn.state, entry, turn.draft.now)?.condition !== condition)
      endAlert(turn, entry, condition, 'recovered');
  }
}

/** A parent of the job has ended, or an open round of it may have begun or ceased to be held back. */
export function alertOfHeld(turn: Turn, entry: Entry): void {
  const isWaiting = (entry.state.join?.open.length ?? 0) > 0;
  const isKnown = isOpen(turn, entry, 'held-back');
  if (!isWaiting && !isKnown) return;
  const isIdle = entry.state.paused !== null || entry.state.disabled !== null;
  const reason = isIdle ? null : heldRound(turn.state, entry);
  if (reason === null) endAlert(turn, entry, 'held-back', 'recovered');
  else if (!isKnown) raise(turn, entry, 'held-back', { run: null, attempt: null, reason }, 1);
}

/** The job was paused, disabled or resumed, which may hold back those below it. */
export function alertOfHeldBelow(turn: Turn, { job: { name } }: Entry): void {
  for (const each of [name, ...turn.state.graph.descendants(name)]) {
    const entry = turn.state.jobs.get(each);
    if (entry !== undefined) alertOfHeld(turn, entry);
  }
}

/** Ends all alerts of a job that is deleted. */
export function endAlerts(turn: Turn, entry: Entry, end: AlertEnd): void {
  for (const condition of jobConditions) endAlert(turn, entry, condition, end);
}

export function endAlert(turn: Turn, entry: Entry, condition: Condition, end: AlertEnd): void {
  const alert = turn.state.alerts.get(alertKey({ job: entry.job.name, condition }));
  if (alert !== undefined) close(turn, alert, end);
}

/** Ends the open alert. */
export function close(turn: Turn, alert: Alert, end: AlertEnd): void {
  const { state, draft } = turn;
  const { on } = definitionOf(state, alert).alerts ?? {};
  const ended: Alert = { ...alert, endedAt: draft.now, end, messages: alert.messages + 1 };
  state.alerts.delete(alertKey(alert));
  state.reviews.delete(alert.id);
  draft.alert(ended);
  draft.act({ kind: 'alert.resolved', ...named(alert) });
  if (on === undefined || on.includes('recovered')) tell(turn, ended, 'resolved', ended.notified);
}

/** For the log. */
export const named = ({ job, condition, subject }: Alert) => ({
  condition,
  ...(job !== null && { job }),
  ...(subject !== '' && { subject }),
});

export const isOpen = ({ state }: Turn, { job }: Entry, condition: Condition): boolean =>
  state.alerts.has(alertKey({ job: job.name, condition }));

/** The condition has occurred: opens its alert, or adds to the open one. */
export function raise(turn: Turn, entry: Entry, condition: Condition, cause: Cause, times: number): void {
  const { state } = turn;
  const key = alertKey({ job: entry.job.name, condition });
  const known = state.alerts.get(key);
  const before = known ?? opened(turn, entry, condition);
  const alert: Alert = { ...before, ...cause, count: before.count + times };
  if (known === undefined) open(turn, alert);
  else review(turn, alert);
}

/** Stores the new alert, and notifies who wants to know. */
export function open(turn: Turn, alert: Alert): void {
  const { run, reason } = alert;
  turn.draft.act({
    kind: 'alert.opened',
    ...named(alert),
    ...(run !== null && { run }),
    ...(reason !== null && { reason }),
  });
  review(turn, alert);
}

/** Reports what is over at once, to those who ask for it. */
export function notice(turn: Turn, entry: Entry, what: Notice, cause: Cause): void {
  if (!entry.job.definition.alerts?.on?.includes(what)) return;
  tellOnce(turn, { ...opened(turn, entry, what), ...cause, severity: 'info', count: 1 });
}

/** Reports the alert, which is over at once and is not stored. */
export function tellOnce(turn: Turn, alert: Alert): void {
  const over: Alert = { ...alert, messages: 1, endedAt: turn.draft.now, end: 'done' };
  tell(turn, over, 'notice', receiversOf(turn, over));
}

function opened({ state, draft }: Turn, { job }: Entry, condition: Condition): Alert {
  const { owner = null, labels = {} } = job.definition;
  return {
    ...freshAlert,
    id: `${job.name}.${condition}.${compactInstant(state.outbox.nextOrder(draft.now))}`,
    job: job.name,
    condition,
    severity: job.definition.alerts?.severity ?? usualSeverity[condition],
    owner: owner !== null && owner.length > MAX_OWNER ? `${owner.slice(0, MAX_OWNER - 1)}…` : owner,
    labels: Object.fromEntries(Object.entries(labels).filter(([, value]) => value.length <= MAX_LABEL)),
    since: draft.now,
    count: 0,
    downstream: state.graph.descendants(job.name).length,
    messages: 0,
  };
}
