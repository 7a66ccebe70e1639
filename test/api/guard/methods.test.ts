/** Methods that an address does not have, and parameters that are given more than once. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiWorld } from '../../support/api-world.ts';

let api: ApiWorld;
const webDir = mkdtempSync(join(tmpdir(), 'carillon-methods-'));
beforeAll(async () => {
  mkdirSync(join(webDir, 'assets'));
  writeFileSync(join(webDir, 'index.html'), '<title>Carillon</title>');
  writeFileSync(join(webDir, 'assets/app.js'), '1');
  api = await ApiWorld.at('2026-11-21T00:00:00Z', { webDir });
  await api.post('/jobs', { name: 'a', schedule: { cron: '0 2 * * *' }, run: { command: 'true' } });
});
afterAll(async () => {
  await api.close();
  rmSync(webDir, { recursive: true });
});

const ask = (method: string, url: string, headers: Record<string, string> = {}, payload?: object) =>
  api.settled(api.app.inject({ method: method as 'GET', url, headers, ...(payload && { payload }) }));
const html = { accept: 'text/html' };
const reads = 'GET, HEAD';

const addresses: [path: string, allowed: string, headers?: Record<string, string>][] = [
  ['/', reads],
  ['/ping', reads],
  ['/metrics', reads],
  ['/health/live', reads],
  ['/health/ready?x=1', reads],
  ['/assets/app.js', reads],
  ['/jobs/etl.extract', reads, html],
  ['/api/v1/jobs', 'GET, HEAD, POST'],
  ['/api/v1/jobs/a', 'GET, HEAD, PUT, DELETE'],
  ['/api/v1/jobs/a%20b/pause', 'POST'],
  ['/api/v1/apply', 'POST'],
  ['/api/v1/events', reads],
  ['/api/v1/runs/x/logs', reads],
  ['/api/v1/openapi.json', reads],
  ['/internal/engines/process/kill', 'POST'],
  ['/v1/scheduler/jobs', 'GET'],
  ['/v1/scheduler/jobs/search', 'GET'],
  ['/v1/scheduler/job/a', 'GET, PUT, DELETE'],
  ['/v1/scheduler/iso8601', 'POST'],
  ['/v1/scheduler/task/kill/a', 'DELETE'],
  ['/scheduler/iso8601', 'POST, PUT'],
  ['/scheduler/task/all', 'PUT, DELETE'],
  ['/scheduler/job/a/', 'GET, PUT, DELETE'],
];

describe('a method that an address does not have', () => {
  test.each(addresses)('%s: 405, and %s are allowed', async (url, allowed, headers) => {
    const others = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND'].filter(
      (method) => !allowed.split(', ').includes(method),
    );
    for (const method of others) {
      const answer = await ask(method, url, headers);
      expect([method, answer.statusCode, answer.headers.allow]).toEqual([method, 405, allowed]);
      expect(answer.body).toContain(`Method ${method} is not allowed for`);
    }
  });

  test.each(addresses)('%s: OPTIONS tells %s', async (url, allowed, headers) => {
    const answer = await ask('OPTIONS', url, headers);
    expect([answer.statusCode, answer.headers.allow, answer.body]).toEqual([200, allowed, '']);
  });

  test('is refused before its body is looked at', async () => {
    const answer = await api.app.inject({
      method: 'PATCH',
      url: '/api/v1/jobs/a',
      headers: { 'content-type': 'application/x-nonsense' },
      payload: '{',
    });
    expect([answer.statusCode, answer.json().code]).toEqual([405, 'METHOD_NOT_ALLOWED']);
  });

  test('is none where nothing is', async () => {
    for (const url of ['/api/v1/nothing', '/v1/scheduler/nothing', '/nothing', '/api/v1/jobs/a/b/c'])
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const answer = await ask(method, url);
        expect([url, method, answer.statusCode, answer.headers.allow]).toEqual([url, method, 404, undefined]);
      }
  });

  test.each(['/api/v1/jobs', '/api/v1/events', '/metrics', '/v1/scheduler/jobs', '/assets/app.js'])(
    'is not HEAD for %s, which has no body',
    async (url) => {
      const answer = await ask('HEAD', url);
      expect([answer.statusCode, answer.body]).toEqual([200, '']);
    },
  );
});

describe('a parameter that is given twice', () => {
  const documented = async (): Promise<[string, string, boolean][]> => {
    const { paths } = await api.get('/openapi.json');
    return Object.entries(paths as Record<string, Record<string, Operation>>).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { parameters = [] }]) =>
        parameters
          .filter(({ in: place }) => place === 'query')
          .map(({ name, schema }): [string, string, boolean] => [
            `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, 'a')}`,
            name,
            schema.type === 'array',
          ]),
      ),
    );
  };
  interface Operation {
    readonly parameters?: readonly { name: string; in: string; schema: { type?: string } }[];
  }

  /** Of requests that are refused without a body: it is checked before the query. */
  const neededBodies: Readonly<Record<string, object>> = { 'POST /api/v1/trigger': { jobs: ['a'] } };

  test('is a 400 that names it on every route, unless it is a list', async () => {
    const all = await documented();
    expect(all.length).toBeGreaterThan(40);
    for (const [request, name, isList] of all) {
      const [method, path] = request.split(' ') as [string, string];
      const answer = await ask(method, `${path}?${name}=x&${name}=x`, {}, neededBodies[request]);
      const said = answer.body.includes(`${name} occurs 2 times`);
      expect([request, name, said], answer.body).toEqual([request, name, !isList]);
      if (!isList) expect([answer.statusCode, answer.json().field]).toEqual([400, name]);
    }
  });

  test.each(['/v1/scheduler', '/scheduler'])('is a 400 that names it under %s', async (prefix) => {
    for (const name of ['name', 'command', 'any', 'limit', 'offset']) {
      const answer = await ask('GET', `${prefix}/jobs/search?${name}=a&${name}=b`);
      expect([answer.statusCode, answer.body]).toEqual([
        400,
        expect.stringContaining(`${name} occurs 2 times. Allowed: one value.`),
      ]);
    }
    const started = await ask('PUT', `${prefix}/job/a?arguments=x&arguments=y`);
    expect(started.statusCode).toBe(400);
    expect((await ask('GET', `${prefix}/jobs/search?name=a&_=1&_=2`)).statusCode, 'unknown').toBe(200);
  });

  test.each(['state=active&state=paused', 'state=active,paused', 'state=active&state=late,paused'])(
    'takes all of %s, which is a list',
    async (query) => {
      expect((await api.get(`/jobs?${query}`)).total).toBe(1);
    },
  );
});
