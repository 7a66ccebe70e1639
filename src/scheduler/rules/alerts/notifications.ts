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
  type Route,
} from '../../model/alert.ts';
import { alertKey } from '../../records/table.ts';
import { durationMs } from '../../schedule/period.ts';
import type { AlertTimer, Entry } from '../../state/entry.ts';
import type { Turn } from '../../state/turn.ts';
import { matching, routed } from './routes.ts';
import { definitionOf, HOURS_LOOK_MS, silenceOf, subjectOf } from './silence.ts';

/** More are not kept for a receiver that does not respond: new ones fail at once. */
const MAX_WAITING = 1_000;
/** Notifications that were not delivered; the oldest are dropped. */
const MAX_FAILED = 100;

/** Escalations are in the order of their times. */
interface Plan extends Reminders {
  readonly to: readonly string[];
  /** It may be another one when hours of routes begin or end, and then something may be due. */
  readonly isTimed: boolean;
}

const nobody: Plan = { to: [], repeatMs: null, escalate: [], isTimed: false };

/** The open alert is new or changed, or its time has come: stores it, with the messages that are due by now. */
export function review(turn: Turn, alert: Alert): void {
  const { state, draft } = turn;
  const known = state.alerts.get(alertKey(alert));
  const silence = silenceOf(state, alert, draft.now);
  const plan = silence === null ? planOf(turn, alert) : nobody;
  const reviewed = silence === null ? brought(turn, alert, plan) : alert;
  state.alerts.set(alertKey(reviewed), reviewed);
  if (reviewed !== known) draft.alert(reviewed);
  const next = silence?.until ?? nextReview(reviewed, plan, draft.now);
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

/** What is due by the routes and maintenance windows of now. */
export function reviewAll(turn: Turn): void {
  const { routes = null, maintenance = null } = turn.state.settings;
  turn.state.reviewedBy = { routes, maintenance };
  for (const alert of [...turn.state.alerts.values()]) {
    review(turn, alert);
    turn.draft.cut();
  }
}

/** The file of alerts may have changed. */
export function reviewIfChanged(turn: Turn): void {
  const { routes = null, maintenance = null } = turn.state.settings;
  const by = turn.state.reviewedBy;
  if (routes !== by.routes || maintenance !== by.maintenance) reviewAll(turn);
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
  const { until = null } = alert.acknowledged ?? {};
  const isOver = until !== null && until <= now;
  const current = isOver ? { ...alert, acknowledged: null } : alert;
  if (current.notifiedAt === null)
    return plan.to.length === 0
      ? current
      : send(turn, { ...current, notifiedAt: now, notified: plan.to }, 'opened', plan.to);
  if (current.acknowledged !== null) return current;
  const isDue = isOver || isRepeatDue(current, plan, now);
  const repeated = isDue
    ? send(turn, { ...current, repeatedAt: now }, 'repeated', current.notified)
    : current;
  return escalated(turn, repeated, plan);
}

/** By who was notified, and not by how often: the escalations may be others than before. */
function escalated(turn: Turn, alert: Alert, { escalate }: Plan): Alert {
  const due = escalate.filter(({ afterMs }) => (alert.notifiedAt ?? 0) + afterMs <= turn.draft.now);
  const to = [...new Set(due.flatMap((each) => each.to))].filter((name) => !alert.notified.includes(name));
  if (to.length === 0) return alert;
  const { escalations, notified } = alert;
  const after = { ...alert, escalations: escalations + 1, notified: [...notified, ...to] };
  return send(turn, after, 'opened', to);
}

function isRepeatDue(alert: Alert, { repeatMs }: Plan, now: number): boolean {
  return repeatMs !== null && lastNotified(alert) + repeatMs <= now;
}

const lastNotified = ({ notifiedAt, repeatedAt }: Alert): number => repeatedAt ?? notifiedAt ?? 0;

/** When something is due next if nothing happens. Null: never. */
function nextReview(alert: Alert, { repeatMs, escalate, isTimed }: Plan, now: number): number | null {
  const { notifiedAt, acknowledged } = alert;
  const times = [acknowledged?.until];
  if (isTimed && (notifiedAt === null || acknowledged === null)) times.push(now + HOURS_LOOK_MS);
  if (notifiedAt !== null && acknowledged === null) {
    if (repeatMs !== null) times.push(lastNotified(alert) + repeatMs);
    times.push(escalate.map(({ afterMs }) => notifiedAt + afterMs).find((at) => at > now));
  }
  const known = times.filter((at) => at != null);
  return known.length === 0 ? null : Math.min(...known);
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
    isTimed: alerts.to === undefined && isTimed(alert, matching(all, subject)),
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

/** For one that was reported, hours only matter if somebody is reminded. */
const isTimed = ({ notifiedAt }: Alert, routes: readonly Route[]): boolean =>
  routes.some(({ hours }) => hours !== null) &&
  (notifiedAt === null || routes.some(({ repeatMs, escalate }) => repeatMs !== null || escalate.length > 0));

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
