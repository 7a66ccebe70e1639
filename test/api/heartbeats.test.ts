/** Reports about jobs without `run`, as curl and `carillon exec` send them. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiWorld } from '../support/api-world.ts';

let api: ApiWorld;
beforeEach(async () => {
  api = await ApiWorld.at('2026-11-21T02:00:10Z');
  await api.post('/jobs', { name: 'backup', schedule: { cron: '*/5 * * * *' } });
});
afterEach(() => api.close());

const beat = (path: string, body?: string | Buffer, type?: string) =>
  api.send(`POST /heartbeats/backup${path}`, {
    ...(body !== undefined && { body }),
    ...(type !== undefined && { headers: { 'content-type': type } }),
  });

const until = (instant: string) => api.world.clock.advance(Date.parse(instant) - api.world.clock.now());

describe('a heartbeat', () => {
  test('needs nothing but its address', async () => {
    await until('2026-11-21T02:05:03Z');
    const response = await beat('');
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      job: 'backup',
      run: 'backup.20261121T020500Z',
      state: 'succeeded',
      repeated: false,
    });
    expect(await api.get('/jobs/backup/ledger')).toMatchObject({
      items: [{ end: 'ran', state: 'succeeded', run: 'backup.20261121T020500Z' }],
    });
  });

  test('is shown while it is awaited, and in the statistics after its end', async () => {
    await until('2026-11-21T02:05:03Z');
    expect(await api.get('/runs?job=backup')).toMatchObject({
      items: [{ state: 'queued', reason: 'waits for a report of those who run it' }],
    });
    await beat('/start?rid=1');
    await until('2026-11-21T02:06:03Z');
    await beat('?rid=1');
    const { runTime } = await api.get('/jobs/backup/stats');
    expect(runTime.count).toBe(1);
    expect(runTime.max).toBeGreaterThanOrEqual(59_000);
  });

  test.each([
    [undefined, 'no type'],
    ['application/x-www-form-urlencoded', 'as curl sends --data'],
    ['application/json', 'a document, which it is not'],
    ['text/plain', 'text'],
  ])('keeps its body as the output of the run: %s', async (type, text) => {
    const { run } = (await beat('/fail?exitCode=3', `{${text}`, type)).json();
    const logs = await api.send(`GET /runs/${run}/logs`);
    expect(logs.body).toBe(`{${text}`);
    expect(await api.get(`/runs/${run}`)).toMatchObject({ state: 'failed', attempts: [{ exitCode: 3 }] });
  });

  test('has no output without a body', async () => {
    const { run } = (await beat('')).json();
    expect((await api.send(`GET /runs/${run}/logs`)).body).toBe('');
  });

  test('is recorded once, however often it is sent', async () => {
    const first = (await beat('?rid=1', 'done')).json();
    expect(first.repeated).toBe(false);
    expect((await beat('?rid=1', 'done')).json()).toEqual({
      job: 'backup',
      run: null,
      state: null,
      repeated: true,
    });
    expect((await api.get('/runs?job=backup')).items).toHaveLength(1);
    expect((await api.send(`GET /runs/${first.run}/logs`)).body).toBe('done');
  });

  test('that comes hours late catches up the due time that was missed', async () => {
    await until('2026-11-21T02:11:30Z');
    const { run } = (await beat(`?rid=1&ago=${5 * 60_000 + 80_000}&duration=4000`)).json();
    const { items } = await api.get('/jobs/backup/ledger');
    expect(items).toMatchObject([{ end: 'caught-up', run, from: '2026-11-21T02:05:00.000Z' }]);
    // Another one about that time is a run of its own.
    await beat(`?rid=2&ago=${5 * 60_000 + 70_000}`);
    expect((await api.get('/jobs/backup/ledger')).items).toEqual(items);
    expect((await api.get('/jobs/backup')).counts).toMatchObject({ succeeded: 2, missed: 0 });
  });
});

describe('refused', () => {
  test.each<[string, string, number, string]>([
    ['an unknown job', '/heartbeats/other', 404, 'JOB_NOT_FOUND'],
    ['a job that Carillon runs', '/heartbeats/own', 409, 'REPORT_NOT_AWAITED'],
    ['a time in the future', '/heartbeats/backup?ago=-1', 400, 'INVALID_FIELD'],
    ['a time too long ago', `/heartbeats/backup?ago=${8 * 86_400_000}`, 400, 'INVALID_FIELD'],
    ['an exit code of a success', '/heartbeats/backup?exitCode=1', 400, 'UNKNOWN_FIELD'],
  ])('%s', async (_, path, status, code) => {
    await api.post('/jobs', { name: 'own', run: { command: 'true' } });
    const response = await api.send(`POST ${path}`);
    expect([response.statusCode, response.json().code]).toEqual([status, code]);
  });

  test('GET, because a link must not report a success', async () => {
    expect((await api.send('GET /heartbeats/backup')).statusCode).toBe(405);
  });

  test('a page of another origin', async () => {
    const response = await api.send('POST /heartbeats/backup', {
      headers: { origin: 'https://elsewhere.example', 'content-type': 'text/plain' },
      body: 'x',
    });
    expect(response.statusCode).toBe(400);
    expect((await api.get('/runs?job=backup')).items).toEqual([]);
  });

  test('starting, killing and repeating its runs, with the reason', async () => {
    const { run } = (await beat('')).json();
    await until('2026-11-21T02:05:03Z');
    const awaited = '/runs/backup.20261121T020500Z/kill';
    for (const path of ['/jobs/backup/trigger', `/runs/${run}/rerun`, awaited]) {
      const response = await api.send(`POST ${path}`);
      expect([response.statusCode, response.json().code]).toEqual([409, 'JOB_RUNS_ELSEWHERE']);
    }
  });
});

test('a Chronos client reads jobs without run, and is told that it cannot start one', async () => {
  const jobs = await api.get('//scheduler/jobs');
  expect(jobs).toMatchObject([{ name: 'backup', command: '' }]);
  expect((await api.send('PUT //scheduler/job/backup')).statusCode).toBe(400);
});
