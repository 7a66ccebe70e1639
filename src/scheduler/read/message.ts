/** What a notification says, as plain text. Receivers only format it. */

import type { Alert, Fact, JobCondition, Message, Notification, SystemCondition } from '../model/alert.ts';
import { textOf } from '../model/reason.ts';
import { type RunTimes, USUAL_FROM } from '../stats/run-times.ts';

/** What is known beside the notification when it is sent. */
export interface Known {
  /** Usual durations of the job. */
  readonly usual: RunTimes;
  /** The last lines of output of the run. */
  readonly output: readonly string[];
  /** Address of the web app. Null: unknown. */
  readonly base: string | null;
}

export function messageOf(notification: Notification, { usual, output, base }: Known): Message {
  const { id, step, alert, at } = notification;
  const { job, subject, condition, severity, owner, labels, since, run } = alert;
  return {
    key: id,
    alertKey: alert.id,
    step,
    condition,
    severity,
    job,
    subject,
    owner,
    labels,
    since,
    at,
    title: titleOf(notification),
    facts: [...factsOf(notification), ...usualOf(usual)],
    output: step === 'resolved' ? [] : output,
    link: base === null ? null : linkTo(base, job, run),
  };
}

/** A message for somebody who tries a receiver. */
export function testMessage(receiver: string, now: number, base: string | null): Message {
  return {
    key: `test.${receiver}.${now}`,
    alertKey: `test.${receiver}`,
    step: 'test',
    condition: 'failed',
    severity: 'info',
    job: 'example',
    subject: '',
    owner: null,
    labels: {},
    since: now,
    at: now,
    title: 'Test message from Carillon',
    facts: [{ name: 'Receiver', text: receiver }],
    output: [],
    link: base,
  };
}

function linkTo(base: string, job: string | null, run: string | null): string {
  const path =
    run !== null
      ? `runs/${encodeURIComponent(run)}`
      : job === null
        ? 'alerts'
        : `jobs/${encodeURIComponent(job)}`;
  return `${base.replace(/\/$/, '')}/${path}`;
}

const happened: Readonly<Record<JobCondition, (alert: Alert) => string>> = {
  failed: ({ count }) => (count > 1 ? `failed ${count} times in a row` : 'failed'),
  late: () => 'is late',
  long: () => 'runs unusually long',
  missed: ({ count }) => `missed ${count === 1 ? 'a due time' : `${count} due times`}`,
  disabled: () => 'was disabled',
  'at-risk': () => 'will probably miss its deadline',
  'held-back': () => 'waits for a job that does not run',
  skipped: ({ count }) => `skipped ${count === 1 ? 'a due time' : `${count} due times`}`,
  'pipeline-late': () => 'and the jobs after it are late',
  succeeded: () => 'succeeded',
  'pipeline-done': () => 'and the jobs after it have ended',
};

const over: Readonly<Record<JobCondition, string>> = {
  failed: 'succeeded again',
  late: 'is no longer late',
  long: 'has ended',
  missed: 'runs again',
  disabled: 'was enabled again',
  'at-risk': 'is no longer at risk of missing its deadline',
  'held-back': 'no longer waits for a job that does not run',
  skipped: 'runs again',
  'pipeline-late': 'and the jobs after it have ended',
  succeeded: 'succeeded',
  'pipeline-done': 'and the jobs after it have ended',
};

const ofSystem: Readonly<Record<SystemCondition, (subject: string) => { happened: string; over: string }>> = {
  'engine-unreachable': (engine) => ({
    happened: `Engine ${engine} does not respond`,
    over: `Engine ${engine} responds again`,
  }),
  'queue-growing': () => ({
    happened: 'More and more runs are queued',
    over: 'The queue no longer grows',
  }),
  undecided: () => ({ happened: 'Due times are not decided', over: 'Due times are decided again' }),
  'store-slow': () => ({ happened: 'The store is slow', over: 'The store is no longer slow' }),
  expiring: (name) => ({ happened: `${name} expires soon`, over: `${name} was renewed` }),
  unled: () => ({ happened: 'No node led for a while', over: 'A node leads again' }),
};

function titleOf({ step, alert }: Notification): string {
  const { job, subject, condition, end } = alert;
  const isOver = step === 'resolved';
  if (job === null) return ofSystem[condition as SystemCondition](subject)[isOver ? 'over' : 'happened'];
  if (!isOver) return `${job} ${happened[condition as JobCondition](alert)}`;
  if (end === 'job-deleted') return `${job} was deleted`;
  return `${job} ${end === 'overdue' ? 'has missed its deadline' : over[condition as JobCondition]}`;
}

function factsOf({ step, alert, at }: Notification): Fact[] {
  const { reason, run, attempt, owner, since, endedAt, downstream, count, condition } = alert;
  const { notifiedAt, escalations } = alert;
  const facts: Fact[] = [];
  const add = (name: string, text: string | null): void => {
    if (text !== null) facts.push({ name, text });
  };
  const isOver = step === 'resolved';
  add(isOver ? 'Last reason' : 'Reason', reason === null ? null : textOf(reason));
  add(isOver ? 'Last run with it' : 'Run', run);
  add('Attempt', attempt === null || attempt === 1 ? null : String(attempt));
  add('Since', iso(since));
  add(
    'Not acknowledged for',
    step === 'opened' && escalations > 0 ? period(at - (notifiedAt ?? since)) : null,
  );
  if (isOver) {
    add('Until', endedAt === null ? null : iso(endedAt));
    add('Failed runs', condition === 'failed' ? String(count) : null);
  }
  add('Jobs that depend on it', downstream === 0 ? null : String(downstream));
  add('Owner', owner);
  return facts;
}

function usualOf({ count, p50Ms, p95Ms }: RunTimes): Fact[] {
  if (p50Ms === null || p95Ms === null || count < USUAL_FROM) return [];
  return [
    {
      name: 'Usual duration',
      text: `${period(p50Ms)} (median), ${period(p95Ms)} (95th percentile), of ${count} successful runs`,
    },
  ];
}

const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

function period(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}
