/** Bodies: read only where a route takes one, bounded before a parser sees them, refused with the bound and the place. */

import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { textBounds } from '../../../src/job-file/bounds.ts';
import { ApiWorld, type Sent } from '../../support/api-world.ts';

let api: ApiWorld;
beforeAll(async () => {
  api = await ApiWorld.at('2026-11-21T00:00:00Z');
  await api.post('/jobs', { name: 'a', run: { command: 'true' } });
});
afterAll(() => api.close());

const json = (body: string | Buffer): Sent => ({ body, headers: { 'content-type': 'application/json' } });
const yaml = (body: string | Buffer): Sent => ({ body, headers: { 'content-type': 'application/yaml' } });
const run = { command: 'true' };

describe('what would take a parser too far is refused, with the bound and the place', () => {
  const deep = { name: 'x', run, chronos: {} };
  test.each<[string, string, Sent, string, string]>([
    ['deep JSON', 'POST /jobs', json(`{"chronos":${'['.repeat(6_000)}`), 'body:1:43', 'at most 32 levels'],
    ['deep JSON of many', 'POST /apply', json('['.repeat(6_000)), 'body:1:33', 'at most 32 levels'],
    [
      'deep JSON without jobs',
      'POST /jobs/a/trigger',
      json('['.repeat(900)),
      'body:1:33',
      'at most 32 levels',
    ],
    ['a deep part', 'POST /jobs', { body: { ...deep, chronos: nested(20) } }, 'body', 'at most 16 levels'],
    ['values', 'POST /jobs', json(`[${'0,'.repeat(60_000)}0]`), 'body:1:', 'at most 50,000'],
    [
      'values of one of many',
      'POST /apply',
      json(`[[${'0,'.repeat(60_000)}0]]`),
      'body:1:',
      'at most 50,000',
    ],
    ['values of all', 'POST /apply', json(`[${'[0,0],'.repeat(600_000)}0]`), 'body:1:', 'at most 1,500,000'],
    [
      'bytes of one of many',
      'POST /apply',
      json(`["${'x'.repeat(textBounds.jobBytes)}"]`),
      'body:1:2',
      'bytes',
    ],
    ['deep YAML', 'POST /apply', yaml('['.repeat(2_000)), 'body:1:33', 'at most 32 levels'],
    ['fields of YAML', 'POST /jobs', yaml(fields(20_000)), 'body:10001:', 'at most 10,000 fields'],
  ])('%s', async (_, request, sent, source, allowed) => {
    const response = await api.send(request, sent);
    const problem = response.json();
    expect([response.statusCode, problem.code]).toEqual([
      400,
      allowed.includes('16') ? 'INVALID_FIELD' : 'INVALID_BODY',
    ]);
    expect(problem.source).toMatch(source);
    expect(problem.detail).toContain(allowed);
  });

  test.each([
    ['a merge of itself', '<<: &x\n  <<: *x'],
    ['a merge of nothing', '<<: '],
    ['an alias to nothing', 'a: *x'],
    ['a name twice', 'name: a\nname: b'],
  ])('YAML with %s', async (_, body) => {
    const response = await api.send('POST /apply', yaml(body));
    expect([response.statusCode, response.json().code]).toEqual([400, 'INVALID_BODY']);
  });

  test('and the node leads on', async () => {
    expect((await api.get('/jobs/a')).name).toBe('a');
    expect(api.world.fatal).toEqual([]);
    expect(api.errors).toEqual([]);
  });
});

describe('bytes that are no UTF-8 are refused with their place', () => {
  const bad = (before: string, after: string): Buffer =>
    Buffer.concat([Buffer.from(before), Buffer.from([0xff]), Buffer.from(after)]);
  test.each<[string, string, Sent, string]>([
    ['a job', 'POST /jobs', json(bad('{"name":\n"é', '"}')), 'body:2:3'],
    ['one of many jobs', 'POST /apply', json(bad('[{"name":"a"},\n {"name":"', '"}]')), 'body:2:11'],
    ['YAML', 'POST /apply', yaml(bad('name: é', '')), 'body:1:8'],
    ['a character that is cut off', 'POST /jobs', json(Buffer.from('"é"').subarray(0, 2)), 'body:1:2'],
    ['a surrogate', 'POST /jobs', yaml(Buffer.from([0xed, 0xa0, 0x80])), 'body:1:1'],
  ])('%s', async (_, request, sent, source) => {
    const response = await api.send(request, sent);
    expect(response.json()).toMatchObject({
      status: 400,
      code: 'INVALID_BODY',
      source,
      allowed: 'text in UTF-8',
    });
  });

  test('a byte order mark is none of it', async () => {
    const body = `\ufeff${JSON.stringify([{ name: 'marked', run }])}`;
    expect((await api.send('POST /apply', json(body))).json().counts.created).toBe(1);
  });
});

test('a mistake in one of many jobs is told by its place in the whole', async () => {
  for (const [body, place] of [
    ['[{"name":"a"},\n  {"name": b}]', 'line 2, column 12'],
    ['[{"name":"a"} {"name":"b"}]', 'line 1, column 15'],
    ['[{"name":"a"},]', 'line 1, column 15'],
    ['[{"name":"a"}', 'line 1, column 14'],
    ['{"jobs":[{}]]', 'line 1, column 13'],
  ]) {
    const response = await api.send('POST /apply', json(body as string));
    expect(response.json()).toMatchObject({ code: 'INVALID_BODY' });
    expect(response.json().detail).toContain(place);
  }
});

describe('a body without a job', () => {
  test.each<[string, string, Sent]>([
    ['is missing', 'POST /jobs', {}],
    ['is blank', 'POST /jobs', json(' ')],
    ['is YAML without a document', 'POST /jobs', yaml('# none\n')],
    ['is missing where a job is changed', 'PUT /jobs/a', {}],
  ])('%s', async (_, request, sent) => {
    const response = await api.send(request, sent);
    expect(response.json()).toMatchObject({
      status: 400,
      code: 'INVALID_BODY',
      detail: 'The body contains no job.',
      allowed: 'a job as JSON or YAML',
    });
  });
});

/** More faults than are told, so that none of the schedule's is among them. */
const nonsense = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`no${i}`, 1]));

test.each<[string, unknown]>([
  ['without a kind', {}],
  ['that has only a zone', { timezone: 'UTC' }],
  ['with a number for cron', { cron: 5 }],
  ['with null for every', { every: null }],
  ['with two kinds', { cron: '@daily', at: '2030-01-01T00:00:00Z' }],
  ['that is a number', 5],
  ['that is null', null],
  ['that is a list', [{ cron: '@daily' }]],
])('a schedule %s is refused beside other faults', async (_, schedule) => {
  for (const faults of [{ namex: 1 }, nonsense, { run: 5 }, { name: 5 }]) {
    const job = { name: 'b', run, schedule, ...faults };
    const alone = await api.send('POST /jobs', { body: job });
    expect(alone.statusCode).toBe(400);
    const { results } = (await api.send('POST /apply', { body: [job, { name: 'a', run }] })).json();
    expect(results.map(({ outcome }: { outcome: string }) => outcome)).toEqual(['refused', 'unchanged']);
  }
});

test('a body in another encoding than chunked is refused, whatever it says first', async () => {
  for (const transfer of ['gzip, chunked', 'chunked, chunked', 'identity']) {
    const sent = json('{"name":"z"}');
    const headers = { ...sent.headers, 'transfer-encoding': transfer };
    const response = await api.send('POST /jobs', { ...sent, headers });
    expect(response.json()).toMatchObject({ status: 400, field: 'transfer-encoding', value: transfer });
  }
});

test('a compressed body is refused as such', async () => {
  const sent = json('{"name":"z"}');
  const headers = { ...sent.headers, 'content-encoding': 'gzip' };
  const response = await api.send('POST /jobs', { ...sent, headers });
  expect(response.json()).toMatchObject({ status: 400, field: 'content-encoding', value: 'gzip' });
});

describe('a name that stands twice in one object of JSON is refused with its place', () => {
  test.each([
    ['in a job', 'POST /jobs', '{"name":"a",\n "name":"b"}', 'name', 'body:2:2'],
    ['further in', 'POST /jobs', '{"name":"b","run":{"env":{"A":"1","B":"2","A":"3"}}}', 'A', 'body:1:43'],
    ['written in another way', 'POST /jobs', '{"name":"b","n\\u0061me":"b"}', 'name', 'body:1:13'],
    ['that is no plain name', 'POST /jobs', '{"__proto__":1, "__proto__":{}}', '__proto__', 'body:1:17'],
    [
      'in one of many jobs',
      'POST /apply',
      '[{"name":"b"},\n{"name":"c","run":{},"run":{}}]',
      'run',
      'body:2:22',
    ],
    [
      'in one of the jobs of an object',
      'POST /apply',
      '{"jobs":[{"name":"c","run":[{"x":1,"x":1}]}]}',
      'x',
      'body:1:36',
    ],
    ['beside the jobs', 'POST /apply', '{"jobs":[{}],"jobs":[]}', 'jobs', 'body:1:14'],
    [
      'where no job is expected',
      'POST /jobs/a/trigger',
      '{"parameters":{},"parameters":{}}',
      'parameters',
      'body:1:18',
    ],
  ])('%s', async (_, request, body, field, source) => {
    const response = await api.send(request, json(body));
    expect(response.json()).toMatchObject({ status: 400, code: 'INVALID_BODY', field, source });
    expect(response.json().detail).toContain(`The name ${JSON.stringify(field)} occurs twice`);
  });

  test('Chronos answers in its own form', async () => {
    const response = await api.send('POST //v1/scheduler/iso8601', json('{"name":"x","name":"y"}'));
    expect([response.statusCode, response.json().message]).toEqual([
      400,
      expect.stringContaining('"name" occurs twice'),
    ]);
  });

  test('one name in several objects, and in a text, is none', async () => {
    const jobs = ['n1', 'n2'].map((name) => ({ name, run, description: '{"name":"x","name":"y"}' }));
    expect((await api.send('POST /apply', json(JSON.stringify({ jobs })))).json().counts.created).toBe(2);
  });
});

describe('a request that has no fields takes none', () => {
  const requests = [
    'POST /jobs/a/pause',
    'POST /jobs/a/resume',
    'POST /jobs/a/mark-success',
    'DELETE /jobs/nope',
  ];

  test.each(requests)('%s', async (request) => {
    const refused = await api.send(request, { body: { reason: 'x' } });
    expect(refused.json()).toMatchObject({ status: 400, code: 'UNKNOWN_FIELD', field: 'reason' });
    expect((await api.send(request, json('[1]'))).json()).toMatchObject({ status: 400 });
    expect((await api.send(request, yaml('a: 1'))).json()).toMatchObject({
      status: 400,
      code: 'INVALID_BODY',
    });
    expect((await api.send(request, { body: { a: 'x'.repeat(2_000) } })).statusCode).toBe(413);
    for (const sent of [json(''), { body: {} }, {}])
      expect((await api.send(request, sent)).statusCode).toBe(request.endsWith('nope') ? 404 : 200);
  });

  test('of a run, too', async () => {
    const { id } = await api.post('/jobs/a/trigger');
    for (const action of ['kill', 'rerun'])
      expect((await api.send(`POST /runs/${id}/${action}`, { body: { x: 1 } })).json().code).toBe(
        'UNKNOWN_FIELD',
      );
    const complete = { body: { succeeded: true, x: 1 } };
    expect((await api.send(`POST /runs/${id}/complete`, complete)).json().code).toBe('UNKNOWN_FIELD');
  });
});

test('where nothing is, no body is read', async () => {
  for (const sent of [json('{'.repeat(100)), yaml('['.repeat(100)), json('{"a":1}')])
    expect((await api.send('POST /nothing', sent)).json()).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  expect((await api.send('POST //v1/scheduler/nothing', json('{'))).statusCode).toBe(404);
});

test('jobs of Chronos are bounded likewise', async () => {
  const send = (body: string) => api.send('POST //v1/scheduler/iso8601', json(body));
  expect((await send(`{"name":${'['.repeat(6_000)}`)).json().message).toMatch(
    /body:1:40: .* at most 32 levels/,
  );
  expect((await send(`{"a":"${'x'.repeat(2_000_000)}"}`)).statusCode).toBe(400);
});

test('YAML that is read for too long is given up, and the next is read', async () => {
  const sent = api.app.inject({ method: 'POST', url: '/api/v1/apply', ...yamlOf(fields(9_000)) });
  let open = true;
  void sent.finally(() => {
    open = false;
  });
  while (open) await api.world.clock.advance(60_000);
  const problem = (await sent).json();
  expect(problem).toMatchObject({ status: 400, code: 'INVALID_BODY' });
  expect(problem.detail).toBe('Parsing the YAML body takes more than 60 seconds.');
  const next = await api.send('POST /apply', yaml('name: next\nrun: { command: "true" }'));
  expect(next.json().counts.created).toBe(1);
});

test('YAML is read by a new process where somebody ended the one there was', async () => {
  await api.send('POST /jobs', yaml('name: [a'));
  const found = execFileSync('pgrep', ['-f', '-P', String(process.pid), 'read-yaml'], { encoding: 'utf8' });
  for (const pid of found.trim().split('\n')) process.kill(Number(pid), 'SIGKILL');
  const next = await api.send('POST /apply', yaml('name: later\nrun: { command: "true" }'));
  expect(next.json().counts?.created).toBe(1);
});

const yamlOf = (payload: string) => ({ payload, headers: { 'content-type': 'application/yaml' } });

function nested(depth: number): object {
  let value: object = {};
  for (let i = 0; i < depth; i++) value = { a: value };
  return value;
}

function fields(count: number): string {
  return Array.from({ length: count }, (_, i) => `k${i}: 1\n`).join('');
}
