/** Alerts, the messages about them, and receivers. */

import { type Static, Type } from 'typebox';
import type { OwedNotification } from '../../scheduler/handle.ts';
import { oneOf } from '../../scheduler/job/definition.ts';
import {
  type Alert,
  alertEnds,
  alertSteps,
  conditions,
  type Notification,
  severities,
} from '../../scheduler/model/alert.ts';
import { iso, isoOrNull } from './instants.ts';
import { why, whyOf } from './reason.ts';
import { count, instant, list, orNull, ref } from './shape.ts';

export const WireAlert = Type.Object(
  {
    id: Type.String(),
    job: orNull(Type.String(), { description: 'Null: it is about the scheduler itself.' }),
    subject: Type.String({ description: 'Which engine or certificate, if it is not about a job.' }),
    condition: oneOf(conditions),
    severity: oneOf(severities),
    owner: orNull(Type.String(), { description: 'Of the job when the alert opened, as are the labels.' }),
    labels: Type.Record(Type.String(), Type.String()),
    since: instant('When the condition began.'),
    count: count('How often it occurred: failed runs, missed due times.'),
    run: orNull(Type.String(), { description: 'The newest run with the condition. Null: it has no run.' }),
    reason: orNull(Type.String()),
    why,
    downstream: count('Jobs that depend on this one, directly or not, when the alert opened.'),
    notified: Type.Array(Type.String(), { description: 'Receivers that were notified.' }),
    notifiedAt: orNull(instant('When the first of them were. Null: nobody was.')),
    repeatedAt: orNull(instant('When it was last repeated.')),
    escalations: count('How often it was escalated.'),
    acknowledgedAt: orNull(instant('When a user acknowledged it.')),
    acknowledgedBy: orNull(Type.String()),
    acknowledgedUntil: orNull(
      instant('It is repeated then, if it is still open. Null: the acknowledgement has no end.'),
    ),
    endedAt: orNull(instant('When the condition ended. Null: it is open.')),
    end: orNull(oneOf(alertEnds)),
  },
  { $id: 'Alert' },
);
export type WireAlert = Static<typeof WireAlert>;
export const WireAlertList = list(ref(WireAlert), 'AlertList');
export type WireAlertList = Static<typeof WireAlertList>;

export const WireNotification = Type.Object(
  {
    id: Type.String({ description: 'The key in the message; a repetition has the same one.' }),
    receiver: Type.String(),
    job: orNull(Type.String()),
    condition: oneOf(conditions),
    step: oneOf(alertSteps),
    at: instant('When it was decided.'),
    state: oneOf(['waiting', 'failed', 'delivered', 'dropped']),
    tries: count('How often it was tried without success by the current leader.'),
    error: orNull(Type.String(), { description: 'Why the last try failed, or why it is not tried again.' }),
    endedAt: orNull(instant('When it was delivered or dropped.')),
  },
  { $id: 'Notification' },
);
export type WireNotification = Static<typeof WireNotification>;
export const WireNotificationList = list(ref(WireNotification), 'NotificationList');
export type WireNotificationList = Static<typeof WireNotificationList>;

export const WireReceiver = Type.Object({ name: Type.String() }, { $id: 'Receiver' });
export const WireReceiverList = list(ref(WireReceiver), 'ReceiverList', {
  problem: orNull(Type.String(), {
    description: 'Why the file of alerts was not read again after its last change. Null: it was.',
  }),
});
export type WireReceiverList = Static<typeof WireReceiverList>;

export const WireMute = Type.Object(
  {
    job: Type.String(),
    until: orNull(instant('No messages about the job are made until then. Null: it is not muted.')),
    by: orNull(Type.String()),
    reason: orNull(Type.String()),
  },
  { $id: 'Mute' },
);
export type WireMute = Static<typeof WireMute>;

export function alertToWire(alert: Alert): WireAlert {
  const { messages: _, attempt: __, since, reason, acknowledged, endedAt, ...rest } = alert;
  return {
    ...rest,
    since: iso(since),
    ...whyOf(reason),
    labels: { ...alert.labels },
    notified: [...alert.notified],
    notifiedAt: isoOrNull(alert.notifiedAt),
    repeatedAt: isoOrNull(alert.repeatedAt),
    acknowledgedAt: isoOrNull(acknowledged?.at ?? null),
    acknowledgedBy: acknowledged?.by ?? null,
    acknowledgedUntil: isoOrNull(acknowledged?.until ?? null),
    endedAt: isoOrNull(endedAt),
  };
}

export function notificationToWire(notification: Notification | OwedNotification): WireNotification {
  const { id, receiver, job, step, alert, at, state, error, endedAt, tries } = { tries: 0, ...notification };
  return {
    ...{ id, receiver, job, condition: alert.condition, step, at: iso(at), state, tries, error },
    endedAt: isoOrNull(endedAt),
  };
}
