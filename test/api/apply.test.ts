import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApiWorld, type Body } from '../support/api-world.ts';

let api: ApiWorld;
beforeEach(async () => {
  api = await ApiWorld.at('2026-11-21T00:00:00Z');
});
afterEach(() => api.close());

const run = { command: 'true' };
const outcomes = (answer: Body) => answer.results.map((each: Body) => `${each.name} ${each.outcome}`);

test.each([
  [
    'a JSON list',
    'application/json',
    JSON.stringify([
      { name: 'a', run },
      { name: 'b', run },
    ]),
  ],
  [
    'jobs: in JSON',
    'application/json; charset=utf-8',
    JSON.stringify({
      jobs: [
        { name: 'a', run },
        { name: 'b', run },
      ],
    }),
  ],
  [
    'YAML documents',
    'application/yaml',
    'name: a\nrun: { command: "true" }\n---\nname: b\nrun: { command: "true" }\n',
  ],
  [
    'jobs: in YAML',
    'text/yaml',
    'jobs:\n- name: a\n  run: { command: "true" }\n- name: b\n  run: { command: "true" }\n',
  ],
])('takes %s', async (_, type, body) => {
  const answer = (await api.send('POST /apply', { body, headers: { 'content-type': type } })).json();
  expect(outcomes(answer)).toEqual(['a created', 'b created']);
  expect((await api.get('/jobs/b')).definition).toEqual({ name: 'b', run });
});

test('takes children before their parents', async () => {
  const child = { name: 'child', schedule: { after: { parents: ['parent'] } }, run };
  expect(outcomes(await api.post('/apply', [child, { name: 'parent', run }]))).toEqual([
    'child created',
    'parent created',
  ]);
});

test('accepts what is good, and says of the rest what and where', async () => {
  const body = 'name: a\nrun: { command: "true" }\n---\nname: b\nrunn: {}\n---\n[1]\n';
  const answer = await api.post('/apply', body, { 'content-type': 'application/yaml' });
  expect(answer.counts).toEqual({ created: 1, changed: 0, unchanged: 0, deleted: 0, refused: 2 });
  expect(answer.results[1]).toMatchObject({
    name: 'b',
    outcome: 'refused',
    problem: { code: 'UNKNOWN_FIELD', field: 'runn', source: 'body:4', status: 400 },
  });
  expect(answer.results[2].name).toBe('');
});

test('tells every problem of a job: what it is refused for, and the others', async () => {
  const bad = {
    name: 'b',
    run: { command: 'x', engine: 'docker' },
    policy: { pool: 'p', timout: 'PT1S' },
    schedule: { cron: '99 * * * *' },
  };
  const fields = ({ field, others }: Body) => [field, ...others.map((other: Body) => other.field)];
  const problems = ['policy.timout', 'schedule.cron'];
  expect(fields((await api.post('/apply', [bad])).results[0].problem)).toEqual(problems);
  expect(fields((await api.send('PUT /jobs/b', { body: bad })).json())).toEqual(problems);
  const shaped = { ...bad, policy: { pool: 'p' } };
  const { problem } = (await api.post('/apply', [shaped])).results[0];
  expect(fields(problem)).toEqual(['run.engine', 'policy.pool', 'schedule.cron']);
  expect(problem.others[0]).toMatchObject({ code: 'INVALID_FIELD', source: 'body[0]', value: 'p' });
  const alone = (await api.post('/apply', [{ name: 'b', run, schedule: bad.schedule }])).results[0].problem;
  expect([alone.field, alone.others]).toEqual(['schedule.cron', undefined]);
});

test('refuses the second definition of a job in one request, and says that the first one counts', async () => {
  const answer = await api.post('/apply', [
    { name: 'a', run },
    { name: 'a', run, owner: 'me' },
  ]);
  expect(outcomes(answer)).toEqual(['a created', 'a refused']);
  expect(answer.results[1].problem).toMatchObject({
    field: 'name',
    detail: "Job 'a' is defined more than once. Only its first definition counts.",
  });
});

test('tells created, changed and unchanged apart, with before and after', async () => {
  await api.post('/apply', [
    { name: 'a', run },
    { name: 'b', run },
  ]);
  const answer = await api.post('/apply', [
    { name: 'a', run },
    { name: 'b', run, owner: 'me' },
  ]);
  expect(outcomes(answer)).toEqual(['a unchanged', 'b changed']);
  expect(answer.results[1]).toMatchObject({
    before: { name: 'b', run },
    after: { name: 'b', run, owner: 'me' },
    revision: 2,
  });
});

test('prunes what is not there, or only what has the label', async () => {
  await api.post('/apply', [
    { name: 'a', run, labels: { team: 'x' } },
    { name: 'b', run, labels: { team: 'y' } },
    { name: 'c', run },
  ]);
  const refused = await api.send('POST /apply?prune=true&label=team%3Dx', { body: [] });
  expect([refused.statusCode, refused.json().field]).toEqual([400, 'prune']);
  expect((await api.get('/jobs')).total).toBe(3);
  const all = '/apply?prune=true&allowEmpty=true&label=team%3Dx';
  expect(outcomes(await api.post(all, []))).toEqual(['a deleted']);
  expect(outcomes(await api.post('/apply?prune=true', [{ name: 'c', run }]))).toEqual([
    'c unchanged',
    'b deleted',
  ]);
});

test.each([
  ['a slip in its name', { nmae: 'b', run }],
  ['no run', { name: 'c' }],
  ['a parent that prune would delete', { name: 'c', run, schedule: { after: { parents: ['b'] } } }],
])('prunes nothing when a job is refused: %s', async (_, broken) => {
  await api.post('/apply', [
    { name: 'a', run },
    { name: 'b', run },
  ]);
  const answer = await api.post('/apply?prune=true', [{ name: 'a', run }, broken]);
  expect(answer.counts).toMatchObject({ unchanged: 1, refused: 1, deleted: 0 });
  expect((await api.get('/jobs')).total).toBe(2);
});

test.each(['', '# nothing', 'null', '---\n---\n', '[]', 'jobs: []'])(
  'takes %j in YAML as no jobs',
  async (body) => {
    await api.post('/jobs', { name: 'a', run });
    const headers = { 'content-type': 'application/yaml' };
    const apply = async (query: string) => {
      const answer = await api.send(`POST /apply?${query}`, { body, headers });
      return [answer.statusCode, answer.json().field ?? outcomes(answer.json())];
    };
    expect(await apply('')).toEqual([200, []]);
    expect(await apply('prune=true')).toEqual([400, 'prune']);
    expect(await apply('prune=true&allowEmpty=true')).toEqual([200, ['a deleted']]);
  },
);

test.each([
  ['null in JSON', 'application/json', 'null'],
  ['no JSON', 'application/json', ''],
])('refuses %s, with and without prune', async (_, type, body) => {
  for (const query of ['', 'prune=true', 'prune=true&allowEmpty=true']) {
    const answer = await api.send(`POST /apply?${query}`, { body, headers: { 'content-type': type } });
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'INVALID_BODY']);
  }
});

test.each([
  ['only x- keys', 'x-a: 1'],
  ['jobs without a list', 'jobs:'],
  ['a list with an empty entry', '- '],
])('refuses %s as a job, and prunes nothing', async (_, body) => {
  await api.post('/jobs', { name: 'a', run });
  const headers = { 'content-type': 'application/yaml' };
  const answer = await api.send('POST /apply?prune=true&allowEmpty=true', { body, headers });
  expect(answer.json().counts).toMatchObject({ refused: 1, deleted: 0 });
});

test('tells all slips of a YAML body', async () => {
  const body = 'name: a\nname: b\n---\nname: c\nrun: *nothing\n';
  const answer = await api.send('POST /apply', { body, headers: { 'content-type': 'application/yaml' } });
  expect(answer.json()).toMatchObject({ code: 'INVALID_BODY', source: 'body:2:1' });
  expect(answer.json().others).toMatchObject([{ code: 'INVALID_BODY', source: 'body:5:6' }]);
});

test.each([[[]], [{ jobs: [] }]])('refuses to prune everything for an empty body: %j', async (body) => {
  await api.post('/jobs', { name: 'a', run });
  for (const query of ['prune=true', 'prune=true&dryRun=true']) {
    const { statusCode, ...answer } = await api.send(`POST /apply?${query}`, { body });
    expect([statusCode, answer.json().code, answer.json().field]).toEqual([400, 'INVALID_FIELD', 'prune']);
  }
  expect((await api.get('/jobs')).total).toBe(1);
  expect((await api.post('/apply?prune=true&allowEmpty=true', body)).counts.deleted).toBe(1);
});

test('a dry run changes nothing', async () => {
  const answer = await api.post('/apply?dryRun=true', [{ name: 'a', run }]);
  expect(answer).toMatchObject({ dryRun: true, counts: { created: 1 } });
  expect((await api.get('/jobs')).items).toEqual([]);
});

test('ten thousand jobs in one request, then the same again', { timeout: 60_000 }, async () => {
  const jobs = Array.from({ length: 10_000 }, (_, n) => ({
    name: `job-${String(n).padStart(5, '0')}`,
    schedule: { cron: `${n % 60} ${n % 24} * * *` },
    labels: { team: `t${n % 100}` },
    run,
  }));
  expect((await api.post('/apply', jobs)).counts).toMatchObject({ created: 10_000, refused: 0 });
  expect((await api.post('/apply', jobs)).counts).toMatchObject({ unchanged: 10_000 });
  expect((await api.get('/jobs?label=team%3Dt7&limit=1000')).items).toHaveLength(100);
  expect(api.world.scheduler.jobCount()).toBe(10_000);
});
