import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CarillonError, InvariantError } from '../../src/errors.ts';
import { ApiWorld, type Sent } from '../support/api-world.ts';

let api: ApiWorld;
beforeAll(async () => {
  api = await ApiWorld.at('2026-11-21T00:00:00Z', { bodyLimitBytes: 100_000 });
  await api.post('/jobs', { name: 'a', schedule: { cron: '0 2 * * *' }, run: { command: 'true' } });
});
afterAll(() => api.close());

const job = { name: 'b', run: { command: 'true' } };
const typed = (type: string, body: string): Sent => ({ body, headers: { 'content-type': type } });

describe('each refusal has a status, a code and the field', () => {
  test.each<[string, Sent, number, string, string | undefined]>([
    // Addresses
    ['GET /nothing', {}, 404, 'NOT_FOUND', 'path'],
    ['GET //nothing', {}, 404, 'NOT_FOUND', 'path'],
    ['PATCH /jobs/a', { body: {} }, 405, 'METHOD_NOT_ALLOWED', 'method'],
    ['GET /jobs/%E0%A4%A', {}, 404, 'NOT_FOUND', undefined],
    ['GET /jobs/nope', {}, 404, 'JOB_NOT_FOUND', 'name'],
    ['DELETE /jobs/nope', {}, 404, 'JOB_NOT_FOUND', 'name'],
    ['POST /jobs/nope/pause', {}, 404, 'JOB_NOT_FOUND', 'name'],
    ['POST /jobs/nope/trigger', {}, 404, 'JOB_NOT_FOUND', 'name'],
    ['GET /jobs/nope/runs', {}, 404, 'JOB_NOT_FOUND', 'name'],
    ['GET /jobs/nope/stats', {}, 404, 'JOB_NOT_FOUND', 'name'],
    ['GET /jobs/nope/ledger', {}, 404, 'JOB_NOT_FOUND', 'name'],
    ['GET /jobs/nope/revisions', {}, 404, 'JOB_NOT_FOUND', 'name'],
    ['GET /jobs/nope/next', {}, 404, 'JOB_NOT_FOUND', 'name'],
    ['GET /graph?job=nope', {}, 404, 'JOB_NOT_FOUND', 'name'],
    ['GET /runs/nope', {}, 404, 'RUN_NOT_FOUND', 'id'],
    ['GET /runs/nope/logs', {}, 404, 'RUN_NOT_FOUND', 'id'],
    ['POST /runs/nope/kill', {}, 404, 'RUN_NOT_FOUND', 'id'],
    ['POST /runs/nope/rerun', {}, 404, 'RUN_NOT_FOUND', 'id'],
    ['GET /jobs/a/revisions/7', {}, 404, 'REVISION_NOT_FOUND', 'revision'],
    ['GET /jobs/a/diff?from=1&to=7', {}, 404, 'REVISION_NOT_FOUND', 'revision'],
    // Query parameters
    ['GET /jobs?limt=5', {}, 400, 'UNKNOWN_FIELD', 'limt'],
    ['GET /cluster?x=1', {}, 400, 'UNKNOWN_FIELD', 'x'],
    ['GET //metrics?x=1', {}, 400, 'UNKNOWN_FIELD', 'x'],
    ['GET /jobs?limit=0', {}, 400, 'INVALID_FIELD', 'limit'],
    ['GET /jobs?limit=1001', {}, 400, 'INVALID_FIELD', 'limit'],
    ['GET /jobs?limit=many', {}, 400, 'INVALID_FIELD', 'limit'],
    ['GET /jobs?limit=1&limit=2', {}, 400, 'INVALID_FIELD', 'limit'],
    ['GET /jobs?state=runing', {}, 400, 'INVALID_FIELD', 'state[0]'],
    ['GET /jobs?cursor=nonsense', {}, 400, 'INVALID_FIELD', 'cursor'],
    ['GET /jobs?cursor=WzFd', {}, 400, 'INVALID_FIELD', 'cursor'],
    ['GET /runs?cursor=WyJhIl0', {}, 400, 'INVALID_FIELD', 'cursor'],
    ['GET /runs?state=running,done', {}, 400, 'INVALID_FIELD', 'state[1]'],
    ['GET /runs?from=yesterday', {}, 400, 'INVALID_FIELD', 'from'],
    ['GET /runs?from=2026-02-30', {}, 400, 'INVALID_FIELD', 'from'],
    ['GET /runs?from=2026-01', {}, 400, 'INVALID_FIELD', 'from'],
    ['GET /runs?from=2026-01-01T00:00:00%2B99:99', {}, 400, 'INVALID_FIELD', 'from'],
    ['GET /runs?to=2026-01-01T00:00:00-24:00', {}, 400, 'INVALID_FIELD', 'to'],
    ['GET /runs?to=0000-01-01T00:00:00%2B01:00', {}, 400, 'INVALID_FIELD', 'to'],
    ['GET /jobs/a/next?after=2026-01', {}, 400, 'INVALID_FIELD', 'after'],
    [
      'POST /schedules/preview',
      { body: { cron: '@daily', until: '2026-001' } },
      400,
      'INVALID_FIELD',
      'until',
    ],
    ['GET /runs?from=2026-02-02&to=2026-02-01', {}, 400, 'INVALID_FIELD', 'from'],
    ['GET /jobs/a/stats?from=2026-02-30', {}, 400, 'INVALID_FIELD', 'from'],
    ['GET /jobs/a/stats?from=2020-01-01&to=2026-01-01', {}, 400, 'INVALID_FIELD', 'from'],
    ['GET /jobs/a/stats?from=2026-01-02&to=2026-01-01', {}, 400, 'INVALID_FIELD', 'from'],
    ['GET /jobs/a/next?count=1001', {}, 400, 'INVALID_FIELD', 'count'],
    ['GET /jobs/a/diff?from=1', {}, 400, 'MISSING_FIELD', 'to'],
    ['GET /jobs/a/revisions/one', {}, 400, 'INVALID_FIELD', 'number'],
    ['DELETE /jobs/a?dependents=orphan', {}, 400, 'INVALID_FIELD', 'dependents'],
    ['GET /stats?percentile=42', {}, 400, 'INVALID_FIELD', 'percentile'],
    ['GET /graph?linked=perhaps', {}, 400, 'INVALID_FIELD', 'linked'],
    ['POST /apply?label=a%3Db', { body: [] }, 400, 'INVALID_FIELD', 'label'],
    ['POST /apply?prune=true&label=a', { body: [] }, 400, 'INVALID_FIELD', 'label'],
    // Bodies
    ['POST /jobs', {}, 400, 'INVALID_BODY', 'body'],
    ['POST /jobs', typed('application/json', '{"name": "a",}'), 400, 'INVALID_BODY', 'body'],
    ['POST /jobs', typed('application/json', '[]'), 400, 'INVALID_FIELD', undefined],
    ['POST /jobs', typed('application/yaml', 'name: [a'), 400, 'INVALID_BODY', undefined],
    ['POST /jobs', typed('application/yaml', 'name: a\n---\nname: b\n'), 400, 'INVALID_BODY', 'body'],
    ['POST /jobs', typed('text/plain', 'name: a'), 400, 'INVALID_BODY', 'content-type'],
    ['POST /jobs', typed('application/x-www-form-urlencoded', 'name=a'), 400, 'INVALID_BODY', 'content-type'],
    ['POST /jobs', { body: { ...job, nam: 1 } }, 400, 'UNKNOWN_FIELD', 'nam'],
    ['POST /jobs', { body: { name: 'b' } }, 400, 'MISSING_FIELD', 'run'],
    ['POST /jobs', { body: { name: 'b', chronos: { a: null } } }, 400, 'MISSING_FIELD', 'run'],
    ['POST /jobs', { body: { name: 'b', chronos: { a: { b: 1 } } } }, 400, 'MISSING_FIELD', 'run'],
    ['POST /jobs', { body: { ...job, schedule: { cron: 'x' } } }, 400, 'INVALID_SCHEDULE', 'schedule.cron'],
    [
      'POST /jobs',
      { body: { ...job, schedule: { after: { parents: ['x'] } } } },
      400,
      'UNKNOWN_PARENT',
      'schedule.after.parents',
    ],
    ['POST /apply', typed('application/json', '"a"'), 400, 'INVALID_BODY', 'body'],
    ['POST /apply', {}, 400, 'INVALID_BODY', 'body'],
    ['POST /apply', { body: Array(20_001).fill(1) }, 413, 'LIMIT_EXCEEDED', 'jobs'],
    ['POST /apply', { body: ['x'.repeat(100_000)] }, 413, 'LIMIT_EXCEEDED', 'body'],
    ['POST /jobs/a/trigger', { body: { param: {} } }, 400, 'UNKNOWN_FIELD', 'param'],
    ['POST /jobs/a/trigger', { body: [] }, 400, 'INVALID_BODY', 'body'],
    ['POST /jobs/a/trigger', typed('application/json', 'null'), 400, 'INVALID_BODY', 'body'],
    ['POST /jobs/a/trigger', { body: { params: { A: 1 } } }, 400, 'INVALID_FIELD', 'params.A'],
    ['POST /jobs/a/trigger', typed('application/yaml', 'params: {}'), 400, 'INVALID_BODY', 'body'],
    [
      'POST /jobs/a/trigger',
      { headers: { 'idempotency-key': 'x'.repeat(300) } },
      400,
      'INVALID_FIELD',
      'Idempotency-Key',
    ],
    ['POST /schedules/preview', { body: {} }, 400, 'MISSING_FIELD', 'cron'],
    [
      'POST /schedules/preview',
      { body: { cron: '* * * * *', at: '2026-01-01T00:00:00Z' } },
      400,
      'INVALID_FIELD',
      'at',
    ],
    ['POST /schedules/preview', { body: { cron: '* * *' } }, 400, 'INVALID_SCHEDULE', 'cron'],
    ['POST /schedules/preview', { body: { cron: '0 0 30 2 *' } }, 400, 'SCHEDULE_NEVER_FIRES', 'cron'],
    [
      'POST /schedules/preview',
      { body: { cron: '* * * * *', timezone: 'Mars/Base' } },
      400,
      'UNKNOWN_TIMEZONE',
      'timezone',
    ],
    ['POST /schedules/preview', { body: { cron: '* * * * *', count: 1_001 } }, 400, 'INVALID_FIELD', 'count'],
    ['POST /schedules/preview', { body: { every: 'PT5S', dst: {} } }, 400, 'INVALID_FIELD', 'dst'],
    ['POST /schedules/preview', { body: { every: 'PT5S', after: 'soon' } }, 400, 'INVALID_FIELD', 'after'],
    [
      'POST /schedules/preview',
      { body: { every: 'PT5S', after: '10000-01-01' } },
      400,
      'INVALID_FIELD',
      'after',
    ],
    [
      'POST /schedules/preview',
      { body: { every: 'PT5S', until: '9999-12-31T23:59:59-10:00' } },
      400,
      'INVALID_FIELD',
      'until',
    ],
    ['GET /runs?from=9999-12-31T24:00:00Z', {}, 400, 'INVALID_FIELD', 'from'],
    // Foreign pages
    ['POST /jobs/a/trigger', { headers: { origin: 'https://evil.example' } }, 400, 'INVALID_FIELD', 'Origin'],
    ['POST /jobs/a/trigger', { headers: { origin: 'null' } }, 400, 'INVALID_FIELD', 'Origin'],
  ])('%s', async (request, sent, status, code, field) => {
    const response = await api.send(request, sent);
    const problem = response.json();
    expect([response.statusCode, problem.code, problem.field], response.body).toEqual([status, code, field]);
    expect(problem.status).toBe(status);
    expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(problem.detail).not.toBe('');
  });
});

describe('what a refusal says', () => {
  test('a misspelt parameter: the known ones, nearest first', async () => {
    const problem = (await api.send('GET /jobs?curser=x')).json();
    expect(problem.detail).toBe('Unknown field curser. Did you mean cursor?');
    expect(problem.allowed[0]).toBe('cursor');
  });

  test.each([
    ['{\n  "name": oops\n}', '2:11'],
    ['{\n  "name": "a"\n', '3:1'],
    ['{"name": "a",}', '1:14'],
    ['{"name" "a"}', '1:9'],
    ['{"a": [1, 2}', '1:12'],
    ['{"a": 01}', '1:7'],
    ['{"a": "b\nc"}', '1:7'],
    ['{name: 1}', '1:2'],
    ['{} {}', '1:4'],
    ['[1,]', '1:4'],
    ['nul', '1:1'],
  ])('malformed JSON %j: the line and column', async (body, place) => {
    const { source } = (await api.send('POST /jobs', typed('application/json', body))).json();
    expect(source).toBe(`body:${place}`);
  });

  test('a body that is too large: the bound', async () => {
    const { allowed } = (await api.send('POST /apply', { body: ['x'.repeat(100_000)] })).json();
    expect(allowed).toBe('at most 100000 bytes');
  });

  test('a page of the same host may make changes', async () => {
    const headers = { host: 'localhost:4400', origin: 'http://localhost:4400' };
    expect((await api.send('POST /jobs/a/trigger', { headers })).statusCode).toBe(202);
  });
});

describe('what is not the fault of the request', () => {
  const failing = (error: Error) =>
    ApiWorld.at(
      '2026-11-21T00:00:00Z',
      {},
      {
        job: () => {
          throw error;
        },
      },
    );

  test.each([new InvariantError('secret: the graph has a hole'), new TypeError('secret is undefined')])(
    '%s is answered without its words, and logged under the id that is answered',
    async (error) => {
      const broken = await failing(error);
      const response = await broken.send('GET /jobs/a');
      expect(response.statusCode).toBe(500);
      expect(response.body).not.toContain('secret');
      expect(response.json().code).toBe('INTERNAL');
      expect(broken.errors).toMatchObject([{ error, requestId: response.json().requestId }]);
      await broken.close();
    },
  );

  test('a node that does not lead: 503 and when to ask again', async () => {
    const follower = await failing(new CarillonError('NOT_LEADING', 'not now'));
    const response = await follower.app.inject('/api/v1/jobs/a');
    expect([response.statusCode, response.json().code, response.headers['retry-after']]).toEqual([
      503,
      'NOT_LEADING',
      '1',
    ]);
    await follower.close();
  });
});

test('a parameter that is true or false is one of both, and not empty', async () => {
  for (const value of ['', '=', '=1'])
    expect((await api.send(`GET /graph?linked${value}`)).json()).toMatchObject({
      code: 'INVALID_FIELD',
      field: 'linked',
    });
  expect((await api.send('GET /graph?linked=true')).statusCode).toBe(200);
});
