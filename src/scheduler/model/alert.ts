/**
 * Alerts and what is sent about them. An alert is a condition of a job that somebody must know of: it opens, may be
 * repeated, and is resolved. A notification is one message about it that is owed to one receiver, from the decision
 * that tells of it until it is delivered.
 */

/** What is wrong with a job. */
export const conditions = ['failed', 'late', 'long', 'missed', 'disabled'] as const;
export type Condition = (typeof conditions)[number];

export const severities = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** What happened to an alert. `test`: there is no alert, and somebody tries the receiver. */
export type AlertStep = 'opened' | 'repeated' | 'resolved' | 'test';

/** A notification as its receiver gets it. Receivers only format it: all texts are plain text. */
export interface Message {
  /** Equal when the same message is sent again, so that a receiver recognises the repetition. */
  readonly key: string;
  /** Equal for all messages about one alert. */
  readonly alertKey: string;
  readonly step: AlertStep;
  readonly condition: Condition;
  readonly severity: Severity;
  readonly job: string;
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
