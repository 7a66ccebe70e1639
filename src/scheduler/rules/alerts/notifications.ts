/**
 * Who is notified of an alert, and when: at once, again while it stays open (`repeatEvery`), and others if nobody takes care
 * of it (`escalate`). While its job is muted nobody is, and an acknowledgement stops repetitions and escalations.
 *
 * `review` decides it from the alert alone, whenever something happens to the alert and at the time that it asked for.
 */

import { invariant } from '../../../errors.ts';
import type { Escalation, Reminders } from '../../job/reminders.ts';
import {
  type Alert,
  type AlertStep,
  type Condition,
  conditions,
  type Notification,
} from '../../model/alert.ts';
import { alertKey } from '../../records/table.ts';
import { durationMs } from '../../schedule/period.ts';
import type { AlertTimer, Entry } from '../../state/entry.ts';
import type { Turn } from '../../state/turn.ts';
import { isRoutedLater, routed } from './routes.ts';
import { definitionOf, HOURS_LOOK_MS, silenceOf, subjectOf } from './silence.ts';

/** More are not kept for a receiver that does not respond: new ones fail at once. */
const MAX_WAITING = 1_000;
/** Notifications that were not delivered; the oldest are dropped. */
const MAX_FAILED = 100;

/** Escalations are in the order of their times. */
interface Plan extends Reminders {
  readonly to: readonly string[];
  /** Nobody is notified now, but somebody will be when the hours of a route begin. */
  readonly isLater: boolean;
}

const nobody: Plan = { to: [], repeatMs: null, escalate: [], isLater: false };

/** The open alert is new or changed, or its time has come: stores it, with the messages that are due by now. */
export function review(turn: Turn, alert: Alert): void {
  const { state, draft } = turn;
  const known = state.alerts.get(alertKey(alert));
  const silence = silenceOf(state, alert, draft.now);
  const plan = silence === null ? planOf(turn, alert) : nobody;
  const reviewed = silence === null ? brought(turn, alert, plan) : alert;
  state.alerts.set(alertKey(reviewed), reviewed);
  if (reviewed !== known) draft.alert(reviewed);
  const later = plan.isLater ? draft.now + HOURS_LOOK_MS : null;
  const next = silence?.until ?? later ?? nextReview(reviewed, plan);
  if (next !== null) state.reviewAt(reviewed, next);
}

/** Something is due about an alert, if nothing has happened to it meanwhile. */
export function reviewDue(turn: Turn, instant: number, subject: AlertTimer): void {
  const { alerts, reviews } = turn.state;
  if (reviews.get(subject.alert) !== instant) return;
  reviews.delete(subject.alert);
  const open = alerts.get(subject.key);
  if (open !== undefined) review(turn, open);
}

/** A new leader looks what has become due meanwhile. */
export function reviewAll(turn: Turn): void {
  for (const alert of [...turn.state.alerts.values()]) {
    review(turn, alert);
    turn.draft.cut();
  }
}

/** The open alerts of the job. */
export function reviewJob(turn: Turn, { job }: Entry): void {
  for (const condition of conditions) {
    const alert = turn.state.alerts.get(alertKey({ job: job.name, condition }));
    if (alert !== undefined) review(turn, alert);
  }
}

/** The alert after the messages that are due by now. */
function brought(turn: Turn, alert: Alert, plan: Plan): Alert {
  const { now } = turn.draft;
  if (alert.notifiedAt === null)
    return plan.to.length === 0
      ? alert
      : send(turn, { ...alert, notifiedAt: now, notified: plan.to }, 'opened', plan.to);
  const { acknowledged } = alert;
  if (acknowledged !== null && (acknowledged.until === null || acknowledged.until > now)) return alert;
  let after = acknowledged === null ? alert : { ...alert, acknowledged: null };
  if (acknowledged !== null || isRepeatDue(alert, plan, now))
    after = send(turn, { ...after, repeatedAt: now }, 'repeated', alert.notified);
  return escalated(turn, after, plan);
}

function escalated(turn: Turn, alert: Alert, { escalate }: Plan): Alert {
  const due = escalate.filter(({ afterMs }) => (alert.notifiedAt ?? 0) + afterMs <= turn.draft.now).length;
  if (due <= alert.escalations) return alert;
  const further = escalate.slice(alert.escalations, due).flatMap(({ to }) => to);
  const to = [...new Set(further)].filter((receiver) => !alert.notified.includes(receiver));
  const after = { ...alert, escalations: due, notified: [...alert.notified, ...to] };
  return send(turn, after, 'opened', to);
}

function isRepeatDue(alert: Alert, { repeatMs }: Plan, now: number): boolean {
  return repeatMs !== null && lastNotified(alert) + repeatMs <= now;
}

const lastNotified = ({ notifiedAt, repeatedAt }: Alert): number => repeatedAt ?? notifiedAt ?? 0;

/** When something is due next if nothing happens. Null: never. */
function nextReview(alert: Alert, { repeatMs, escalate }: Plan): number | null {
  const { notifiedAt, acknowledged, escalations } = alert;
  if (notifiedAt === null) return null;
  if (acknowledged !== null) return acknowledged.until;
  const next = escalate[escalations];
  const times = [
    ...(repeatMs === null ? [] : [lastNotified(alert) + repeatMs]),
    ...(next === undefined ? [] : [notifiedAt + next.afterMs]),
  ];
  return times.length === 0 ? null : Math.min(...times);
}

/** Who is notified first. */
export const receiversOf = (turn: Turn, alert: Alert): readonly string[] =>
  silenceOf(turn.state, alert, turn.draft.now) === null ? planOf(turn, alert).to : [];

/** What the job says, or else the routes. */
function planOf({ state, draft }: Turn, alert: Alert): Plan {
  const { alerts = {} } = definitionOf(state, alert);
  if (alerts.on !== undefined && !(alerts.on as readonly Condition[]).includes(alert.condition))
    return nobody;
  const all = state.settings.routes ?? [];
  const subject = subjectOf(state, alert);
  const routes =
    alerts.to === undefined
      ? routed(all, subject, draft.now)
      : [{ to: alerts.to, repeatMs: null, escalate: [] }];
  const repeats = routes.flatMap(({ repeatMs }) => repeatMs ?? []);
  const { repeatEvery, escalate } = alerts;
  return {
    isLater: routes.length === 0 && isRoutedLater(all, subject, draft.now),
    to: [...new Set(routes.flatMap(({ to }) => to))],
    repeatMs:
      repeatEvery !== undefined
        ? durationMs(repeatEvery, 'alerts.repeatEvery')
        : repeats.length > 0
          ? Math.min(...repeats)
          : null,
    escalate: (escalate?.map(escalationOf) ?? routes.flatMap((route) => route.escalate)).toSorted(
      (a, b) => a.afterMs - b.afterMs,
    ),
  };
}

const escalationOf = ({ after, to }: { after: string; to: readonly string[] }): Escalation => ({
  afterMs: durationMs(after, 'alerts.escalate.after'),
  to,
});

/** With its messages counted. */
function send(turn: Turn, alert: Alert, step: AlertStep, receivers: readonly string[]): Alert {
  const counted = receivers.length === 0 ? alert : { ...alert, messages: alert.messages + 1 };
  tell(turn, counted, step, receivers);
  return counted;
}

/** Makes a message for each receiver. */
export function tell(turn: Turn, alert: Alert, step: AlertStep, receivers: readonly string[]): void {
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
