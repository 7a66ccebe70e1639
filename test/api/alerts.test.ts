/** Alerts over the API: lists, acknowledgements, mutes, messages that were not delivered, and receivers. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CarillonError } from '../../src/errors.ts';
import { ApiWorld, type Body } from '../support/api-world.ts';
import { testSettings } from '../support/rig.ts';
import { World } from '../support/world.ts';

const routes = [
  {
    labels: {},
    owner: null,
    conditions: null,
    severities: null,
    hours: null,
    to: ['pager'],
    repeatMs: null,
    escalate: [],
    continue: false,
  },
];

let api: ApiWorld;
let world: World;

beforeEach(async () => {
  world = await World.at('2026-01-01T00:00:00Z', {
    ...testSettings,
    routes,
    receivers: ['pager', 'mail'],
  });
  api = await ApiWorld.over(world);
  await world.put(...['a', 'b', 'c'].map((name) => ({ name })), {
    name: 'child',
    schedule: { after: { parents: ['a'] } },
  });
});
afterEach(() => api.close());

async function send(request: string, body?: object, headers?: Record<string, string>): Promise<Body> {
  const response = await api.send(request, { ...(body && { body }), ...(headers && { headers }) });
  const answer = response.json();
  return { ...answer, status: answer.status ?? response.statusCode };
}

async function runs(name: string, exitCode: number): Promise<void> {
  await world.trigger(name);
  await world.clock.settle();
  world.engine.exit(world.engine.newest(name), exitCode);
  await world.clock.advance(1_000);
}

describe('open alerts', () => {
  test('are listed, newest first, with what hangs on them', async () => {
    await runs('a', 1);
    await runs('b', 2);
    const { items } = await api.get('/alerts');
    expect(items).toMatchObject([
      { job: 'b', condition: 'failed', count: 1, downstream: 0, reason: 'exit code 2', endedAt: null },
      { job: 'a', condition: 'failed', count: 1, downstream: 1, notified: ['pager'], severity: 'critical' },
    ]);
    expect((await api.get('/alerts?condition=missed')).items).toEqual([]);
  });

  test('come in pages, each once', async () => {
    for (const name of ['a', 'b', 'c']) await runs(name, 1);
    const first = await api.get('/alerts?limit=2');
    const second = await api.get(`/alerts?limit=2&cursor=${first.next}`);
    expect([...first.items, ...second.items].map(({ job }: { job: string }) => job)).toEqual(['c', 'b', 'a']);
    expect(second.next).toBeNull();
  });

  test('of a job are listed with the ended ones', async () => {
    await runs('a', 1);
    await runs('a', 0);
    await runs('a', 1);
    const { items } = await api.get('/jobs/a/alerts');
    expect(items.map(({ end }: { end: string | null }) => end)).toEqual([null, 'recovered']);
  });
});

describe('an acknowledgement', () => {
  test('is shown with its user', async () => {
    await runs('a', 1);
    await send('POST /jobs/a/alerts/failed/acknowledge', undefined, { 'test-name': 'ann' });
    expect((await api.get('/alerts')).items).toMatchObject([
      { acknowledgedBy: 'ann', acknowledgedAt: expect.any(String) },
    ]);
  });

  test('of an alert that is not open is refused, with those that are', async () => {
    await runs('a', 1);
    expect(await send('POST /jobs/a/alerts/late/acknowledge')).toMatchObject({
      status: 404,
      code: 'ALERT_NOT_FOUND',
      detail: "Job 'a' has no open alert 'late'.",
      allowed: ['failed'],
    });
  });
});

describe('a muted job', () => {
  const until = '2026-01-01T02:00:00.000Z';

  test('is told of to nobody, until the mute is ended', async () => {
    expect(await send('PUT /jobs/a/mute', { until, reason: 'we know' })).toMatchObject({
      ...{ job: 'a', until, reason: 'we know' },
    });
    expect((await api.get('/jobs/a')).muted).toMatchObject({ until, reason: 'we know' });
    await runs('a', 1);
    expect(world.messages).toEqual([]);
    await send('DELETE /jobs/a/mute');
    await world.clock.advance(1_000);
    expect(world.messages.map(({ title }) => title)).toEqual(['a failed']);
  });

  test.each([
    ['that ends in the past', { until: '2025-01-01T00:00:00Z', reason: 'x' }, 'until'],
    ['that never ends', { until: '2099-01-01T00:00:00Z', reason: 'x' }, 'until'],
    ['without a time', { until: 'soon', reason: 'x' }, 'until'],
    ['without a reason', { until, reason: '' }, 'reason'],
    ['with control characters in its reason', { until, reason: 'a\u0000b' }, 'reason'],
  ])('%s is refused', async (_, body, field) => {
    expect(await send('PUT /jobs/a/mute', body)).toMatchObject({ status: 400, field });
  });
});

describe('messages', () => {
  test('that a receiver refused are listed with the reason, and are sent again on demand', async () => {
    world.refuses = () => new CarillonError('NOTIFICATION_REFUSED', 'no such channel');
    await runs('a', 1);
    const [message] = (await api.get('/notifications')).items;
    expect(message).toMatchObject({ receiver: 'pager', state: 'failed', error: 'no such channel' });
    world.refuses = () => null;
    expect(await send(`POST /notifications/${message.id}/send`)).toMatchObject({ state: 'waiting' });
    await world.clock.advance(1_000);
    expect((await api.get('/notifications')).items).toEqual([]);
    expect(world.messages.map(({ key }) => key)).toEqual([message.id]);
  });

  test('come in pages, each once, and by receiver and state', async () => {
    world.refuses = () => new CarillonError('NOTIFICATION_REFUSED', 'no such channel');
    for (const name of ['a', 'b', 'c']) await runs(name, 1);
    const jobs = ({ items }: Body): string[] => items.map(({ job }: { job: string }) => job);
    const first = await api.get('/notifications?limit=2');
    const second = await api.get(`/notifications?limit=2&cursor=${first.next}`);
    expect([jobs(first), jobs(second), second.next]).toEqual([['a', 'b'], ['c'], null]);
    world.refuses = () => new Error('connection refused');
    await send(`POST /notifications/${first.items[0].id}/send`);
    expect(jobs(await api.get('/notifications?state=failed'))).toEqual(['b', 'c']);
    expect(jobs(await api.get('/notifications?state=waiting&receiver=pager'))).toEqual(['a']);
    expect(jobs(await api.get('/notifications?receiver=mail'))).toEqual([]);
    expect(await send(`GET /notifications?cursor=${(await api.get('/alerts?limit=1')).next}`)).toMatchObject({
      status: 400,
      field: 'cursor',
    });
  });

  test('that wait for their next try show how often that failed, and why', async () => {
    world.refuses = () => new Error('connection refused');
    await runs('a', 1);
    const [message] = (await api.get('/notifications')).items;
    expect(message).toMatchObject({ state: 'waiting', error: 'connection refused' });
    expect(message.tries).toBeGreaterThan(0);
  });

  test('that are not owed cannot be', async () => {
    expect(await send('POST /notifications/none/send')).toMatchObject({
      status: 404,
      code: 'NOTIFICATION_NOT_FOUND',
    });
  });
});

test('a job that names a receiver that is not there is accepted with a warning', async () => {
  const change = await send('PUT /jobs/a', { run: { command: 'true' }, alerts: { to: ['pager', 'nobody'] } });
  expect(change.warnings).toEqual([
    "alerts.to names 'nobody', which is no receiver (receivers: pager, mail)",
  ]);
});

describe('receivers', () => {
  test('are listed, and tried', async () => {
    expect((await api.get('/receivers')).items).toEqual([{ name: 'pager' }, { name: 'mail' }]);
    expect(await send('POST /receivers/mail/test')).toMatchObject({ name: 'mail' });
    expect(world.messages).toMatchObject([{ step: 'test', title: 'Test message from Carillon' }]);
  });

  test('that do not exist, or refuse, are told so', async () => {
    expect(await send('POST /receivers/nobody/test')).toMatchObject({
      status: 404,
      code: 'RECEIVER_NOT_FOUND',
      allowed: ['pager', 'mail'],
    });
    world.refuses = () => new CarillonError('NOTIFICATION_REFUSED', 'the channel is archived');
    expect(await send('POST /receivers/pager/test')).toMatchObject({
      status: 502,
      detail: 'the channel is archived',
    });
  });
});
