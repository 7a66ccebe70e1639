/**
 * Alerts and what is sent about them. An alert is a condition of a job that needs attention: it opens, may be
 * repeated, and is resolved. A notification is one message about it that is owed to one receiver, from the decision
 * that makes it until it is delivered.
 */

import type { Labels } from '../job/node-choice.ts';
import type { Reminders } from '../job/reminders.ts';
import { jobConditions, notices, severities, systemConditions } from '../job/schema/alerts.ts';
import type { OwnerDomains } from './owner.ts';
import type { Reason } from './reason.ts';

export { jobConditions, notices, severities, systemConditions };
export const conditions = [...jobConditions, ...systemConditions] as const;
export type JobCondition = (typeof jobConditions)[number];
export type SystemCondition = (typeof systemConditions)[number];
export type Condition = (typeof conditions)[number];
export type Notice = (typeof notices)[number];
export type Severity = (typeof severities)[number];

/** A condition of a job, from its first occurrence until it no longer holds. One per job and condition. */
export interface Alert {
  /** Job, condition and a time; never used twice. */
  readonly id: string;
  /** Null: it is about the scheduler itself or what it depends on. */
  readonly job: string | null;
  /** Which engine or certificate, if it is not about a job. Empty: there is only one. */
  readonly subject: string;
  readonly condition: Condition;
  readonly severity: Severity;
  /** Of the job when the alert opened: receivers know it by them until it ends. */
  readonly owner: string | null;
  readonly labels: Labels;
  readonly since: number;
  /** How often the condition occurred: failed runs, missed due times. */
  readonly count: number;
  /** The newest run with the condition. Null: it has no run. */
  readonly run: string | null;
  /** The attempt that failed last. Null: none, or the condition is not about an attempt. */
  readonly attempt: number | null;
  readonly reason: Reason | null;
  /** Number of jobs that depend on this one, directly or not, when the alert opened. */
  readonly downstream: number;
  /** Number of messages made about it. */
  readonly messages: number;
  /** Receivers that were notified, and will be notified of its end. */
  readonly notified: readonly string[];
  /** When the first of them were. Null: nobody was. */
  readonly notifiedAt: number | null;
  readonly repeatedAt: number | null;
  /** Number of escalations that were made. */
  readonly escalations: number;
  readonly acknowledged: Acknowledgement | null;
  readonly endedAt: number | null;
  /** Why it ended. */
  readonly end: AlertEnd | null;
}

/** What an alert has until something happens to it; stores leave it out. */
export const freshAlert = {
  job: null,
  subject: '',
  owner: null,
  run: null,
  attempt: null,
  reason: null,
  downstream: 0,
  notified: [],
  notifiedAt: null,
  repeatedAt: null,
  escalations: 0,
  acknowledged: null,
  endedAt: null,
  end: null,
} as const satisfies Partial<Alert>;

/** Something that is wrong. */
export interface Trouble {
  readonly condition: SystemCondition;
  /** Which of several, in letters, digits and `._-`; empty if there is only one. */
  readonly subject: string;
  readonly reason: Reason;
}

/** Somebody takes care of it: meanwhile it is neither repeated nor escalated. */
export interface Acknowledgement {
  readonly by: string;
  readonly at: number;
  /** If the alert is still open then, it is repeated. Null: until the alert ends. */
  readonly until: number | null;
}

/**
 * The condition no longer holds, or the job was deleted. `overdue`: what was at risk has happened, and another alert
 * says so. `done`: it was over at once.
 */
export const alertEnds = ['recovered', 'job-deleted', 'overdue', 'done'] as const;
export type AlertEnd = (typeof alertEnds)[number];

/** No messages about a job are made until then; its alerts open and end as usual. */
export interface Mute {
  readonly by: string;
  readonly at: number;
  readonly until: number;
  readonly reason: string;
}

/** One message for one receiver, owed from the decision that makes it until it is delivered. */
export interface Notification {
  /** The stable key of the message. */
  readonly id: string;
  readonly receiver: string;
  readonly job: string | null;
  readonly step: AlertStep;
  /** The alert as it was then. */
  readonly alert: Alert;
  readonly at: number;
  /** A receiver gets its messages in this order. */
  readonly order: number;
  /** `failed`: not tried again until somebody asks for it. */
  readonly state: 'waiting' | 'failed' | 'delivered' | 'dropped';
  /** Why it was not delivered. */
  readonly error: string | null;
  readonly endedAt: number | null;
}

/** Which alerts are reported to which receivers. The first route that matches decides, and each after it while those say `continue`. */
export interface Route extends Reminders {
  /** All of these. */
  readonly labels: Labels;
  /** Null: any. */
  readonly owner: string | null;
  readonly conditions: readonly Condition[] | null;
  readonly severities: readonly Severity[] | null;
  /** Null: at any time. */
  readonly hours: Hours | null;
  /** Those of its receivers that write to owners, with where these must have an address. Absent: none. */
  readonly ownersAt?: ReadonlyMap<string, OwnerDomains>;
  readonly to: readonly string[];
  readonly continue: boolean;
}

/** No messages about these jobs are made in this time. */
export interface Maintenance {
  readonly labels: Labels;
  readonly owner: string | null;
  /** Null: at once. */
  readonly from: number | null;
  /** Null: `hours` come again and again. */
  readonly until: number | null;
  readonly hours: Hours | null;
  readonly reason: string;
}

/** Times of the week in a zone. */
export interface Hours {
  /** On which they begin. 0 is Sunday. */
  readonly days: readonly number[];
  /** Minutes after midnight. */
  readonly from: number;
  /** Minutes after midnight, of the next day if it is not after `from`. */
  readonly to: number;
  readonly timezone: string;
}

/**
 * What happened to an alert. `notice`: it was over at once, and nobody has to do anything. `test`: there is no alert, and
 * somebody tries the receiver.
 */
export const alertSteps = ['opened', 'repeated', 'resolved', 'notice', 'test'] as const;
export type AlertStep = (typeof alertSteps)[number];

/** A notification as its receiver gets it. Receivers only format it: all texts are plain text. */
export interface Message {
  /** Equal when the same message is sent again, so that a receiver recognises the repetition. */
  readonly key: string;
  /** Equal for all messages about one alert. */
  readonly alertKey: string;
  readonly step: AlertStep;
  readonly condition: Condition;
  readonly severity: Severity;
  /** Null: it is not about a job. */
  readonly job: string | null;
  readonly subject: string;
  readonly owner: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Since when the condition holds; epoch milliseconds. */
  readonly since: number;
  /** When the message was decided. */
  readonly at: number;
  /** One line, such as `etl-load failed`. */
  readonly title: string;
  /** What is known, in the order to be shown. */
  readonly facts: readonly Fact[];
  /** The last lines of output, if there are any. */
  readonly output: readonly string[];
  /** The job's page, if the address of the web app is known. */
  readonly link: string | null;
}

export interface Fact {
  readonly name: string;
  readonly text: string;
}
