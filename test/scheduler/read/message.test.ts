/** What messages say, word by word. */

import { describe, expect, test } from 'vitest';
import type { Alert, Notification } from '../../../src/scheduler/model/alert.ts';
import { messageOf } from '../../../src/scheduler/read/message.ts';

const at = (iso: string): number => Date.parse(iso);

const alert: Alert = {
  id: 'etl-load.failed.20260101T020003Z',
  job: 'etl-load',
  subject: '',
  condition: 'failed',
  severity: 'critical',
  owner: 'data team',
  labels: { tier: 'gold' },
  since: at('2026-01-01T02:00:03Z'),
  count: 1,
  run: 'etl-load.20260101T020000Z',
  attempt: 3,
  reason: { code: 'text', text: 'exit code 1' },
  downstream: 40,
  messages: 1,
  notified: ['pager'],
  notifiedAt: null,
  repeatedAt: null,
  escalations: 0,
  acknowledged: null,
  endedAt: null,
  end: null,
};

const notification: Notification = {
  id: `${alert.id}.1.pager`,
  receiver: 'pager',
  job: 'etl-load',
  step: 'opened',
  alert,
  at: alert.since,
  order: alert.since,
  state: 'waiting',
  error: null,
  endedAt: null,
};

const known = {
  usual: { count: 212, p50Ms: 840, p95Ms: 12_300 },
  output: ['connecting', 'no route to host'],
  base: 'http://carillon.example:4400',
};

const inWords = (message: ReturnType<typeof messageOf>): string =>
  [
    message.title,
    ...message.facts.map(({ name, text }) => `${name}: ${text}`),
    ...message.output.map((line) => `> ${line}`),
    message.link,
  ].join('\n');

describe('a message', () => {
  test('of a failure has the cause, what hangs on it, how it usually goes, the output and a link', () => {
    expect(inWords(messageOf(notification, known))).toMatchInlineSnapshot(`
      "etl-load failed
      Reason: exit code 1
      Run: etl-load.20260101T020000Z
      Attempt: 3
      Since: 2026-01-01T02:00:03Z
      Jobs that depend on it: 40
      Owner: data team
      Usual duration: 840 ms (median), 12.3 s (95th percentile), of 212 successful runs
      > connecting
      > no route to host
      http://carillon.example:4400/runs/etl-load.20260101T020000Z"
    `);
  });

  test('of a recovery has how long it lasted, and no output', () => {
    const ended = { ...alert, count: 4, endedAt: at('2026-01-01T06:00:09Z'), end: 'recovered' } as const;
    const resolved = { ...notification, step: 'resolved', alert: ended } as const;
    expect(inWords(messageOf(resolved, { ...known, base: null }))).toMatchInlineSnapshot(`
      "etl-load succeeded again
      Last reason: exit code 1
      Last run with it: etl-load.20260101T020000Z
      Attempt: 3
      Since: 2026-01-01T02:00:03Z
      Until: 2026-01-01T06:00:09Z
      Failed runs: 4
      Jobs that depend on it: 40
      Owner: data team
      Usual duration: 840 ms (median), 12.3 s (95th percentile), of 212 successful runs
      "
    `);
  });

  test.each<[string, Partial<Alert>, Partial<Notification>]>([
    ['etl-load failed 3 times in a row', { count: 3 }, {}],
    ['etl-load is late', { condition: 'late' }, {}],
    ['etl-load is no longer late', { condition: 'late' }, { step: 'resolved' }],
    ['etl-load runs unusually long', { condition: 'long' }, {}],
    ['etl-load missed a due time', { condition: 'missed' }, {}],
    ['etl-load missed 4 due times', { condition: 'missed', count: 4 }, {}],
    ['etl-load runs again', { condition: 'missed' }, { step: 'resolved' }],
    ['etl-load was disabled', { condition: 'disabled' }, {}],
    ['etl-load was deleted', { end: 'job-deleted' }, { step: 'resolved' }],
  ])('%s', (title, ofAlert, ofNotification) => {
    const changed = { ...notification, ...ofNotification, alert: { ...alert, ...ofAlert } };
    expect(messageOf(changed, known).title).toBe(title);
  });

  test('without a run links to the job', () => {
    const message = messageOf({ ...notification, alert: { ...alert, run: null } }, known);
    expect(message.link).toBe('http://carillon.example:4400/jobs/etl-load');
  });
});
