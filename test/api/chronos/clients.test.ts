/**
 * How clients in the wild ask: where they put slashes, which types they say, which names they give. Written
 * from the clients' sources and from what Chronos did with it.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Body } from '../../support/api-world.ts';
import { chronosWorld, json, nightly, three, two } from './asking.ts';

const { api, ask } = await chronosWorld();
afterAll(() => api.close());

describe('addresses that clients put together', () => {
  beforeAll(async () => {
    await ask(`POST ${three}/iso8601`, nightly);
  });

  test.each<[string, string, unknown, number]>([
    ['a slash at the end of a list', `GET ${three}/jobs/`, undefined, 200],
    ['a slash before what is asked', `GET ${two}/jobs/?limit=1`, undefined, 200],
    ['a slash behind a name', `PUT ${three}/job/nightly/`, undefined, 204],
    ['a slash at the end of a change', `POST ${two}/iso8601/`, nightly, 204],
    ['a base that ends in a slash', `GET ${two.replace('//', '///')}/jobs`, undefined, 200],
    ['two slashes on the way', `GET ${three}//job//nightly`, undefined, 200],
  ])('%s', async (_, request, body, status) => {
    expect((await ask(request, body)).statusCode).toBe(status);
  });

  test('the rest of the server keeps its own addresses', async () => {
    expect((await ask('GET //api/v1/jobs/')).statusCode).toBe(404);
  });

  test('OPTIONS tells the methods, and lets no foreign page in', async () => {
    const answer = await api.send(`OPTIONS ${three}/jobs`, {
      headers: { origin: 'http://elsewhere.example', 'access-control-request-method': 'GET' },
    });
    expect([answer.statusCode, answer.headers.allow, answer.body]).toEqual([200, 'GET', '']);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('types of bodies', () => {
  test.each<[string, Record<string, string>, number]>([
    ['JSON', json, 204],
    ['JSON and its letters', { 'content-type': 'application/json; charset=UTF-8' }, 204],
    ['none', {}, 204],
    [
      'that of a form, as curl -d says by itself',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
    ],
    ['plain text', { 'content-type': 'text/plain' }, 415],
  ])('%s', async (_, headers, status) => {
    for (const prefix of [two, three])
      expect((await ask(`POST ${prefix}/iso8601`, JSON.stringify(nightly), headers)).statusCode).toBe(status);
  });
});

test('a file that begins with a mark of its byte order is JSON', async () => {
  expect((await ask(`POST ${three}/iso8601`, `\uFEFF${JSON.stringify(nightly)}`)).statusCode).toBe(204);
});

describe('fields as clients send them', () => {
  test.each<[string, object]>([
    ['an offset as Java writes it', { scheduleTimeZone: 'GMT+2' }],
    ['the same in full', { scheduleTimeZone: 'GMT-05:30' }],
    ['retries without end', { retries: 2_147_483_647 }],
  ])('%s is taken, and reads back the same', async (_, fields) => {
    const answer = await ask(`POST ${three}/iso8601`, { ...nightly, ...fields });
    expect(`${answer.statusCode} ${answer.body}`).toBe('204 ');
    expect((await ask(`GET ${three}/job/nightly`)).json()).toMatchObject(fields);
  });

  test('an offset as Java writes it is that offset', async () => {
    await ask(`POST ${three}/iso8601`, { ...nightly, name: 'east', scheduleTimeZone: 'GMT+2' });
    expect((await api.get('/jobs/east')).nextDue).toBe('2026-12-01T00:00:00.000Z');
  });

  test('what is kept without effect is told with the job, and in a body to who reads JSON', async () => {
    const job = { ...nightly, name: 'flags', executor: 'x' };
    const told = ['executor is stored without effect: there are no Mesos executors here'];
    for (const prefix of [two, three]) {
      const silent = await ask(`POST ${prefix}/iso8601`, { ...job, description: prefix });
      expect([silent.statusCode, silent.body]).toEqual([204, '']);
      expect(silent.headers['x-carillon-warning']).toBe(told[0]);
      const read = await ask(
        `POST ${prefix}/iso8601`,
        { ...job, owner: prefix },
        { ...json, accept: json['content-type'] },
      );
      expect([read.statusCode, read.json()]).toEqual([200, { status: 'OK', message: told[0] }]);
      expect((await api.get('/jobs/flags')).warnings).toEqual(told);
    }
  });

  test('retries without end are as many as there can be, and told', async () => {
    const answer = await ask(`POST ${three}/iso8601`, { ...nightly, name: 'stubborn', retries: 5_000 });
    expect(answer.headers['x-carillon-warning']).toMatch(/1000/);
    expect((await api.get('/jobs/stubborn')).definition.policy.retries.limit).toBe(1_000);
  });
});

describe('names of 2.x, with spaces and #', () => {
  const parent = { ...nightly, name: 'billing main #1' };
  const child = { name: 'billing after', command: 'echo', parents: ['billing main #1'] };
  const at = (name: string) => encodeURIComponent(name);

  beforeAll(async () => {
    await ask(`POST ${two}/iso8601`, parent);
    await ask(`POST ${two}/dependency`, child);
  });

  test('read back as they were sent', async () => {
    for (const prefix of [two, three]) {
      expect((await ask(`GET ${prefix}/job/${at(parent.name)}`)).json()).toMatchObject(parent);
      expect((await ask(`GET ${prefix}/job/${at(child.name)}`)).json()).toMatchObject(child);
      const found: Body[] = (await ask(`GET ${prefix}/jobs/search?name=billing`)).json();
      expect(found.map(({ name }) => name)).toEqual([child.name, parent.name]);
    }
  });

  test('are told in the graph, the statistics and the metrics', async () => {
    const csv = (await ask(`GET ${two}/graph/csv`)).body;
    expect(csv).toContain('node,billing main #1,fresh,idle\n');
    expect(csv).toContain('link,billing main #1,billing after\n');
    expect((await ask(`GET ${two}/graph/dot`)).body).toContain('[ label="billing main #1" ]');
    const stats: Body[] = (await ask(`GET ${two}/stats/median`)).json();
    expect(stats.map(({ jobNameLabel }) => jobNameLabel)).toContain(parent.name);
    const { counters } = (
      await api.send('GET //metrics', { headers: { accept: 'application/json' } })
    ).json();
    expect(counters).toHaveProperty(['jobs.run.success.billing main #1']);
  });

  test('are run, marked, killed and deleted by', async () => {
    expect((await ask(`PUT ${two}/job/${at(parent.name)}`)).statusCode).toBe(204);
    expect(api.world.engine.started.at(-1)?.env.CHRONOS_JOB_NAME).toBe(parent.name);
    expect((await ask(`DELETE ${two}/task/kill/${at(parent.name)}`)).statusCode).toBe(204);
    expect((await ask(`PUT ${two}/job/success/${at(parent.name)}`)).body).toBe(
      `marked job ${parent.name} as successful: true`,
    );
    expect((await ask(`GET ${two}/job/stat/${at(parent.name)}`)).json().taskStatHistory[0]).toMatchObject({
      jobName: parent.name,
    });
    await ask(`POST ${two}/iso8601`, { ...nightly, name: 'gone soon' });
    expect((await ask(`DELETE ${two}/job/gone%20soon`)).statusCode).toBe(204);
    expect((await ask(`GET ${two}/job/gone%20soon`)).statusCode).toBe(400);
  });

  test('are updated by, and what is sent back as it was read changes nothing', async () => {
    const before = await api.get('/jobs/billing-main-1');
    await ask(`PUT ${two}/iso8601`, (await ask(`GET ${two}/job/${at(parent.name)}`)).json());
    expect((await api.get('/jobs/billing-main-1')).revision).toBe(before.revision);
    expect((await ask(`PUT ${two}/iso8601`, { ...parent, command: 'other' })).statusCode).toBe(204);
    expect((await ask(`GET ${two}/job/${at(parent.name)}`)).json()).toMatchObject({ command: 'other' });
  });

  test('two names that are one here are not mixed up', async () => {
    for (const name of ['billing-main-1', 'billing main-1']) {
      const answer = await ask(`POST ${two}/iso8601`, { ...nightly, name });
      expect([answer.statusCode, answer.body]).toEqual([400, expect.stringContaining(parent.name)]);
    }
    expect((await ask(`GET ${two}/job/${at('billing main-1')}`)).statusCode).toBe(400);
  });

  test('a job told natively to be another is not shown under the name', async () => {
    const { definition } = await api.get('/jobs/billing-main-1');
    await api.post('/jobs', { ...definition, name: 'copy' });
    expect((await ask(`GET ${two}/job/copy`)).json().name).toBe('copy');
  });

  test('3.x has none of them', async () => {
    const answer = await ask(`POST ${three}/iso8601`, { ...nightly, name: 'new one' });
    expect([answer.statusCode, answer.json().message]).toEqual([
      400,
      expect.stringMatching(/name is invalid/),
    ]);
  });
});

describe('metrics', () => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,' +
    'text/plain;version=0.0.4;q=0.3,*/*;q=0.2';

  test.each<[string, string | undefined, 'text/plain' | 'application/json']>([
    ['exporters and chronos-python say nothing', undefined, 'application/json'],
    ['nor is an empty header a form', '', 'application/json'],
    ['whoever asks for JSON gets it', 'application/json', 'application/json'],
    ['also among others', 'application/json, text/plain, */*', 'application/json'],
    ['JSON before text', 'text/plain;q=0.5, application/json', 'application/json'],
    ['text before JSON', 'Text/Plain, application/json;q=0.5', 'text/plain'],
    ['no JSON', 'application/json;q=0, */*', 'text/plain'],
    ['curl takes anything', '*/*', 'text/plain'],
    ['a browser shows text', 'text/html,application/xhtml+xml,*/*;q=0.8', 'text/plain'],
    ['Prometheus', prometheus, 'text/plain'],
  ])('%s', async (_, accept, type) => {
    const headers = accept === undefined ? {} : { accept };
    const answer = await api.app.inject({ method: 'GET', url: '/metrics', headers });
    expect(String(answer.headers['content-type']).split(';')[0]).toBe(type);
    expect(answer.headers.vary).toBe('accept');
  });
});
