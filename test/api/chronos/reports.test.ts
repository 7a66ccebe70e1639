/** What Chronos' clients read of the whole, written from what Chronos documents; and the same through a follower. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiWorld, type Body } from '../../support/api-world.ts';
import { three, two } from './asking.ts';

let api: ApiWorld;
const later = 'R/2026-12-01T00:00:00Z/P1D';

beforeAll(async () => {
  api = await ApiWorld.at('2026-11-21T12:00:00Z');
  const put = (body: object, kind = 'iso8601') => api.send(`POST ${three}/${kind}`, { body });
  await put({ name: 'extract', command: 'fetch it', schedule: later, owner: 'ann@example.org' });
  await put({ name: 'load', command: 'LOAD it', parents: ['extract'] }, 'dependency');
  await put({ name: 'fails', command: 'no', schedule: later, retries: 0 });
  api.world.engine.plan = ({ job }) =>
    job === 'extract'
      ? { durationMs: 2_000, exitCode: 0 }
      : job === 'fails'
        ? { durationMs: 500, exitCode: 1 }
        : null;
  for (const name of ['extract', 'fails']) await api.send(`PUT ${three}/job/${name}`);
  await api.world.clock.advance(5_000);
});
afterAll(() => api.close());

/** Histograms hold values to within a hundredth. */
const near = (value: number) => expect.toSatisfy((given: number) => given >= value && given <= value * 1.01);

const get = (path: string) => api.send(`GET ${path}`);

describe('search', () => {
  const found = async (query: string) =>
    (await get(`${three}/jobs/search?${query}`)).json().map((job: Body) => job.name);
  test.each([
    ['part of the name, in any case', 'name=LOA', ['load']],
    ['part of the command', 'command=it', ['extract', 'load']],
    ['both must be found', 'name=load&command=fetch', []],
    ['any finds in any field', 'any=ann@', ['extract']],
    ['any comes besides', 'name=load&any=fetch', ['extract', 'load']],
    ['nothing asked for is everything', '', ['extract', 'fails', 'load']],
    ['limit', 'limit=1', ['extract']],
    ['a limit below zero', 'limit=-1', []],
    ['an offset below zero', 'offset=-3&limit=1', ['extract']],
    ['offset, after filtering', 'command=it&offset=1&limit=5', ['load']],
    ['texts that are empty', 'name=&command=&any=', ['extract', 'fails', 'load']],
  ])('%s: %s', async (_, query, names) => expect(await found(query)).toEqual(names));

  test('a job search returns 10 jobs by default', async () => {
    for (let i = 0; i < 12; i++)
      await api.send(`POST ${three}/iso8601`, { body: { name: `many-${i}`, command: 'x', schedule: later } });
    expect(await found('name=many')).toHaveLength(10);
    for (let i = 0; i < 12; i++) await api.send(`DELETE ${three}/job/many-${i}`);
  });

  test('a limit that is no number is refused', async () => {
    expect((await get(`${three}/jobs/search?limit=ten`)).statusCode).toBe(400);
  });
});

test('the summary has how each job ended last and what it does now', async () => {
  expect((await get(`${three}/jobs/summary`)).json()).toEqual({
    jobs: [
      { name: 'extract', status: 'success', state: 'idle', schedule: later, parents: [], disabled: false },
      { name: 'fails', status: 'failure', state: 'idle', schedule: later, parents: [], disabled: false },
      {
        name: 'load',
        status: 'fresh',
        state: '1 running',
        schedule: '',
        parents: ['extract'],
        disabled: false,
      },
    ],
  });
});

test('the graph as CSV and as DOT', async () => {
  const csv = await get(`${two}/graph/csv`);
  expect(csv.headers['content-type']).toMatch(/^text\/plain/);
  expect(csv.body).toBe(
    'node,extract,success,idle\nnode,fails,failure,idle\nnode,load,fresh,1 running\nlink,extract,load\n',
  );
  expect((await get(`${three}/graph/dot`)).body).toBe(
    'digraph G {\n  1 [ label="extract" ];\n  2 [ label="fails" ];\n  3 [ label="load" ];\n  1 -> 3;\n}\n',
  );
});

describe('statistics', () => {
  test('of a job: milliseconds, and its newest tasks', async () => {
    const { histogram, taskStatHistory } = (await get(`${two}/job/stat/extract`)).json();
    expect(Object.keys(histogram)).toEqual([
      '75thPercentile',
      '95thPercentile',
      '98thPercentile',
      '99thPercentile',
      'median',
      'mean',
      'count',
    ]);
    expect(histogram).toMatchObject({ median: near(2_000), count: 1 });
    expect(taskStatHistory).toEqual([
      {
        taskId: expect.stringMatching(/^ct:\d+:0:extract:$/),
        jobName: 'extract',
        slaveId: 'process',
        startTime: '11/21/26 12:00:00',
        endTime: '11/21/26 12:00:02',
        duration: '2s',
        status: 'Success',
      },
    ]);
  });

  test('of a job that never succeeded: zeros', async () => {
    const { histogram } = (await get(`${three}/job/stat/fails`)).json();
    expect(Object.values(histogram)).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  test.each(['99thPercentile', '98thPercentile', '95thPercentile', '75thPercentile', 'median', 'mean'])(
    '%s of all jobs, in seconds, the slowest first',
    async (name) => {
      const [first, ...rest] = (await get(`${three}/stats/${name}`)).json();
      expect(first).toEqual({ jobNameLabel: 'extract', time: near(2) });
      expect(rest.map(({ time }: Body) => time)).toEqual([0, 0]);
    },
  );

  test('an unknown one is empty', async () => {
    expect((await get(`${three}/stats/50thPercentile`)).json()).toEqual([]);
  });
});

test('who leads: host and port', async () => {
  expect((await get(`${three}/leader`)).json()).toEqual({ leader: expect.stringMatching(/^[^/]+$/) });
});

test('progress is taken, unless it is negative', async () => {
  const task = 'ct:1420843781398:0:extract:';
  const send = (count: number) =>
    api.send(`POST ${three}/job/extract/task/${encodeURIComponent(task)}/progress`, {
      body: { numAdditionalElementsProcessed: count },
    });
  expect((await send(5)).statusCode).toBe(204);
  expect((await send(-1)).statusCode).toBe(400);
});

test('all waiting tasks are deleted, and what runs goes on', async () => {
  await api.send(`PUT ${three}/job/load`);
  expect((await api.get('/jobs/load')).waiting).toHaveLength(1);
  const answer = await api.send(`DELETE ${two}/task/all`);
  expect([answer.statusCode, answer.body]).toEqual([204, '']);
  expect(await api.get('/jobs/load')).toMatchObject({ waiting: [], running: [expect.any(String)] });
});

test('ping', async () => {
  const answer = await get('//ping');
  expect([answer.body, answer.headers['content-type'], answer.headers['cache-control']]).toEqual([
    'pong\n',
    'text/plain; charset=utf-8',
    'no-store',
  ]);
});

test('metrics as Dropwizard has them, for who asks for JSON', async () => {
  const metrics = (await api.send('GET //metrics', { headers: { accept: 'application/json' } })).json();
  expect(Object.keys(metrics)).toEqual(['version', 'gauges', 'counters', 'histograms', 'meters', 'timers']);
  expect(metrics.counters).toMatchObject({
    'jobs.run.success.extract': { count: 1 },
    'jobs.run.failure.fails': { count: 1 },
  });
  expect(metrics.histograms['jobs.run.time.extract']).toMatchObject({
    count: 1,
    p50: near(2_000),
    p99: near(2_000),
    max: near(2_000),
  });
  expect(Object.keys(metrics.histograms['jobs.run.time.load']).join()).toBe(
    'count,max,mean,min,p50,p75,p95,p98,p99,p999,stddev',
  );
  expect(metrics.histograms['jobs.run.time.load']).toMatchObject({ count: 0, p99: 0, stddev: 0 });
  expect((await get('//metrics')).headers['content-type']).toMatch(/^text\/plain/);
});

test('the heap of the Java machine is the heap of this process', async () => {
  const { gauges } = (await api.send('GET //metrics', { headers: { accept: 'application/json' } })).json();
  const heap = (name: string): number => gauges[`jvm.memory.heap.${name}`].value;
  expect(heap('used')).toBeGreaterThan(1_000_000);
  expect(heap('used')).toBeLessThanOrEqual(heap('committed'));
  expect(heap('usage')).toBeCloseTo(heap('used') / heap('max'), 3);
  expect(heap('init')).toBe(-1);
});

test('a follower answers reads itself and passes writes on', async () => {
  const { leader } = api.world.scheduler.cluster();
  const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  const leads = { ...leader!, url };
  const follows = { ...leader!, id: 'node-2', url: 'http://127.0.0.1:1' };
  const cluster = () => ({
    ...api.world.scheduler.cluster(),
    role: 'follower' as const,
    leader: leads,
    self: follows,
  });
  const follower = await ApiWorld.over(api.world, {}, { cluster, caughtUp: async () => true });
  try {
    const body = { name: 'passed-on', command: 'x', schedule: later };
    const made = await follower.send(`POST ${three}/iso8601`, { body });
    expect([made.statusCode, made.body]).toEqual([204, '']);
    expect((await follower.send(`GET ${two}/job/passed-on`)).json().name).toBe('passed-on');
    const refused = await follower.send(`POST ${three}/iso8601`, { body: { ...body, schedule: 'no' } });
    expect(refused.statusCode).toBe(400);
    expect(refused.json()).toEqual({ status: 'Bad Request', message: "Cannot parse schedule 'no'" });
    expect((await follower.send(`DELETE ${two}/job/nobody`)).body).toBe("JobSchedule 'nobody' not found");
  } finally {
    await follower.app.close();
  }
});
