import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WireAttempt, WireRun } from '../../src/api/wire/schema.ts';
import { CarillonError } from '../../src/errors.ts';
import type { SchedulerHandle } from '../../src/scheduler/handle.ts';
import type { Run } from '../../src/scheduler/model/model.ts';
import type { LogChunk } from '../../src/scheduler/ports.ts';
import { ApiWorld } from '../support/api-world.ts';

let api: ApiWorld;
const run = { command: 'true' };
const begin = async (instead: Partial<SchedulerHandle> = {}) => {
  api = await ApiWorld.at('2026-11-21T00:00:00Z', {}, instead);
  await api.post('/jobs', { name: 'a', run, policy: { overlap: 'allow' } });
};
afterEach(() => api.close());

describe('a run', () => {
  beforeEach(() => begin());

  test('is made by triggering, carries its parameters, and tells how it went', async () => {
    const response = await api.send('POST /jobs/a/trigger', {
      body: { params: { DAY: '21' } },
      headers: { 'test-name': 'ada' },
    });
    expect(response.statusCode).toBe(202);
    const { id } = response.json();
    expect(response.headers.location).toBe(`/api/v1/runs/${id}`);
    await api.world.clock.advance(2_000);
    api.world.engine.exit(api.world.engine.newest('a'), 3);
    await api.world.clock.advance(1_000);
    expect(await api.get(`/runs/${id}`)).toMatchObject({
      job: 'a',
      state: 'failed',
      trigger: { kind: 'manual', by: 'ada', of: null, catchUp: false },
      origin: { kind: 'manual', job: 'a' },
      params: { DAY: '21' },
      attempts: [{ number: 1, engine: 'process', exitCode: 3 }],
      runMs: 2_000,
      lateMs: 0,
      reason: 'exit code 3',
      why: {
        code: 'exit-code',
        because: null,
        text: 'exit code 3',
        refs: [],
        parts: [{ text: 'exit code 3' }],
      },
    });
    expect((await api.get('/jobs/a')).last).toMatchObject({ id, state: 'failed' });
  });

  test('says how much of its output was dropped, while it runs, after its end, and of each attempt', async () => {
    const body = { run, policy: { retries: { limit: 1, delay: 'PT1S' } } };
    await api.send('PUT /jobs/a', { body });
    const { id } = await api.post('/jobs/a/trigger');
    await api.world.clock.advance(1_000);
    const { engine, clock } = api.world;
    const dropped = async () =>
      (await api.get(`/runs/${id}`)).attempts.map((attempt: WireAttempt) => attempt.bytesDropped);
    expect(await dropped()).toEqual([0]);
    const [launchName, at] = [engine.newest('a'), clock.now()];
    engine.tell({ kind: 'output-dropped', launchName, at, bytesDropped: 5_000 });
    await clock.advance(1_000);
    expect(await dropped()).toEqual([5_000]);
    const used = { cpuMs: 1_500, peakBytes: 9_000_000, readBytes: 4_096, writtenBytes: 512 };
    const usage = { ...used, until: at - 10 };
    engine.tell({ kind: 'ended', launchName, at, exitCode: 1, bytesDropped: 7_000, usage });
    await clock.advance(10_000);
    engine.exit(engine.newest('a'), 0);
    await clock.advance(1_000);
    expect(await dropped()).toEqual([7_000, 0]);
    expect((await api.get('/runs')).items[0].attempts[0]).toMatchObject({
      bytesDropped: 7_000,
      cpuMs: 1_500,
      peakMemoryBytes: 9_000_000,
      readBytes: 4_096,
      writtenBytes: 512,
      usageUntil: new Date(at - 10).toISOString(),
    });
  });

  test('that waits says for which run, as text and as data', async () => {
    await api.send('PUT /jobs/a', { body: { run, policy: { overlap: 'queue' } } });
    const first = await api.post('/jobs/a/trigger');
    const { id } = await api.post('/jobs/a/trigger');
    expect(await api.get(`/runs/${id}`)).toMatchObject({
      reason: `waits for ${first.id} to end`,
      why: {
        code: 'waits-for-runs',
        refs: [{ kind: 'run', name: first.id }],
        parts: [
          { text: 'waits for ' },
          { text: first.id, run: { id: first.id, job: 'a', due: first.due } },
          { text: ' to end' },
        ],
      },
    });
    await api.send(`POST /runs/${first.id}/kill`, { headers: { 'test-name': 'ada' } });
    const { kill } = await api.get(`/runs/${first.id}`);
    expect(kill).toMatchObject({ reason: 'killed by ada', why: { refs: [{ kind: 'user', name: 'ada' }] } });
  });

  test('is the same for the same Idempotency-Key, and another without', async () => {
    const key = { 'idempotency-key': 'Deploy #7, träge' };
    const first = await api.post('/jobs/a/trigger', undefined, key);
    await api.world.clock.advance(60_000);
    expect((await api.post('/jobs/a/trigger', undefined, key)).id).toBe(first.id);
    expect((await api.post('/jobs/a/trigger')).id).not.toBe(first.id);
    expect((await api.get('/runs')).items).toHaveLength(2);
  });

  test('can be killed while unfinished, and only then', async () => {
    const { id } = await api.post('/jobs/a/trigger');
    const response = await api.send(`POST /runs/${id}/kill`, { headers: { 'test-name': 'ada' } });
    expect(response.statusCode).toBe(202);
    expect(response.json().kill).toMatchObject({ by: 'ada' });
    await api.world.clock.advance(60_000);
    expect((await api.get(`/runs/${id}`)).state).toBe('killed');
    expect((await api.send(`POST /runs/${id}/kill`)).json().code).toBe('RUN_ENDED');
  });

  test('can be run again once it ended, for the same due instant', async () => {
    const first = await api.post('/jobs/a/trigger', { params: { X: '1' } });
    expect((await api.send(`POST /runs/${first.id}/rerun`)).json().code).toBe('RUN_NOT_ENDED');
    await api.world.clock.settle();
    api.world.engine.exit(api.world.engine.newest('a'), 1);
    await api.world.clock.settle();
    const again = await api.post(`/runs/${first.id}/rerun`, undefined, { 'test-name': 'bob' });
    expect(again).toMatchObject({
      due: first.due,
      params: { X: '1' },
      trigger: { kind: 'rerun', by: 'bob', of: first.id },
      origin: { kind: 'rerun', job: 'a' },
    });
  });

  test('is late from when it could start: not for what its parents took, nor for when it was repeated', async () => {
    await api.post('/jobs', { name: 'child', run, schedule: { after: { parents: ['a'] } } });
    await api.post('/jobs/a/trigger');
    await api.world.clock.advance(300_000);
    api.world.engine.exit(api.world.engine.newest('a'), 0);
    await api.world.clock.settle();
    api.world.engine.exit(api.world.engine.newest('child'), 0);
    await api.world.clock.advance(300_000);
    const [child] = (await api.get('/runs?job=child')).items;
    expect(child).toMatchObject({ state: 'succeeded', trigger: { kind: 'parents' }, lateMs: 0 });
    expect(child.origin).toEqual({ kind: 'manual', job: 'a' });
    const again = await api.post(`/runs/${child.id}/rerun`);
    await api.world.clock.settle();
    expect(await api.get(`/runs/${again.id}`)).toMatchObject({ due: child.due, lateMs: 0 });
  });
});

describe('output', () => {
  const encoder = new TextEncoder();
  /** As an engine prints them from the first byte on. */
  const chunks = (...texts: [LogChunk['stream'], string | Uint8Array][]): LogChunk[] => {
    const printed = { stdout: 0, stderr: 0 };
    return texts.map(([stream, text]) => {
      const bytes = typeof text === 'string' ? encoder.encode(text) : text;
      printed[stream] += bytes.length;
      return { stream, bytes, next: { ...printed } };
    });
  };
  const asked: unknown[] = [];
  const talking = (list: LogChunk[], end?: CarillonError): Partial<SchedulerHandle> => ({
    run: async (id) => ({ id, attempts: [] as Run['attempts'] }) as Run,
    async *logs(id, { signal, ...query }) {
      asked.push({ id, ...query, signal: signal !== undefined });
      for (const chunk of list) yield { ...chunk, attempt: 2 };
      if (end !== undefined) throw end;
    },
  });

  test('is plain text as it was written, and passes on what is asked for', async () => {
    await begin(talking(chunks(['stdout', 'one\n'], ['stderr', 'two\n'])));
    const response = await api.send('GET /runs/r/logs?stream=stdout&tail=5&attempt=2');
    expect(response.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(response.body).toBe('one\ntwo\n');
    expect(asked.at(-1)).toEqual({ id: 'r', stream: 'stdout', tail: 5, attempt: 2, signal: true });
  });

  test('may be empty', async () => {
    await begin(talking([]));
    expect(await api.get('/runs/r/logs')).toBe('');
  });

  test('that is gone is a problem, also when following', async () => {
    await begin(talking([], new CarillonError('LOGS_GONE', 'gone')));
    for (const query of ['', '?follow=true']) {
      const response = await api.send(`GET /runs/r/logs${query}`, {
        headers: { accept: 'text/event-stream' },
      });
      expect([response.statusCode, response.json().code]).toEqual([410, 'LOGS_GONE']);
    }
  });

  const events = async (path: string, headers: Record<string, string> = {}): Promise<string[]> => {
    const { body } = await api.send(`GET ${path}`, { headers: { accept: 'text/event-stream', ...headers } });
    return body.split('\n\n').filter((frame) => !frame.startsWith(':') && frame !== '');
  };

  test('as events keeps characters whole that a chunk cuts in two, and no position lies within one', async () => {
    const [first, second] = [encoder.encode('ä').slice(0, 1), encoder.encode('ä').slice(1)];
    await begin(
      talking(chunks(['stdout', first], ['stderr', 'e\n'], ['stdout', second], ['stdout', 'x\n\n'])),
    );
    expect(await events('/runs/r/logs')).toEqual([
      'id: 2:0:2\nevent: log\ndata: {"stream":"stderr","text":"e\\n"}',
      'id: 2:2:2\nevent: log\ndata: {"stream":"stdout","text":"ä"}',
      'id: 2:5:2\nevent: log\ndata: {"stream":"stdout","text":"x\\n\\n"}',
      'event: end\ndata: {}',
    ]);
  });

  test('of a reader that has nothing yet begins with its position', async () => {
    await begin(talking([{ stream: 'stdout', bytes: new Uint8Array(0), next: { stdout: 8, stderr: 3 } }]));
    expect(await events('/runs/r/logs?tail=1')).toEqual(['id: 2:8:3', 'event: end\ndata: {}']);
  });

  test('goes on behind a position; that of the last event counts most', async () => {
    await begin(talking([]));
    const after = { stdout: 5, stderr: 2 };
    await events('/runs/r/logs?after=1:5:2&tail=3');
    expect(asked.at(-1)).toEqual({ id: 'r', attempt: 1, after, tail: 3, signal: true });
    await events('/runs/r/logs?attempt=2&after=2:0:0', { 'last-event-id': '2:5:2' });
    expect(asked.at(-1)).toEqual({ id: 'r', attempt: 2, after, signal: true });
  });

  test.each<[string, Record<string, string>, object]>([
    ['?after=5', {}, { field: 'after', value: '5', source: 'query' }],
    ['?after=0:0:0', {}, { field: 'after', value: '0:0:0', source: 'query' }],
    ['', { 'last-event-id': 'x' }, { field: 'Last-Event-ID', value: 'x', source: 'header' }],
    ['?attempt=2&after=1:5:2', {}, { field: 'after', value: '1:5:2', source: 'query' }],
  ])('after %j with %j is refused', async (query, headers, problem) => {
    await begin(talking([]));
    const response = await api.send(`GET /runs/r/logs${query}`, { headers });
    expect(response.json()).toMatchObject({ status: 400, code: 'INVALID_FIELD', ...problem });
  });
});

describe('several jobs', () => {
  const child = { name: 'c', run, schedule: { after: { parents: ['a', 'b'] } } };
  const start = (jobs: string[], query = '', key = 'k') =>
    api.send(`POST /trigger${query}`, { body: { jobs }, headers: { 'idempotency-key': key } });
  beforeEach(async () => {
    await begin();
    await api.post('/jobs', { name: 'b', run });
    await api.post('/jobs', child);
  });

  test('are started in one request, which says before and after who follows whom', async () => {
    const foreseen = await start(['c', 'b', 'a'], '?dryRun=true');
    expect(foreseen.statusCode).toBe(200);
    expect(foreseen.json()).toMatchObject({
      dryRun: true,
      counts: { started: 2, following: 1 },
      jobs: [
        { job: 'a', after: [], run: null },
        { job: 'b', after: [], run: null },
        { job: 'c', after: ['a', 'b'], others: [], skip: null, run: null },
      ],
    });
    expect((await api.get('/runs')).items).toEqual([]);
    const started = await start(['c', 'b', 'a']);
    expect(started.statusCode).toBe(202);
    const { jobs } = started.json();
    expect(jobs.map((each: { run: WireRun | null }) => each.run?.trigger.kind)).toEqual([
      'manual',
      'manual',
      undefined,
    ]);
    await api.world.clock.advance(1_000);
    for (const job of ['a', 'b']) {
      expect((await api.get('/jobs/c/runs')).items).toEqual([]);
      api.world.engine.exit(api.world.engine.newest(job), 0);
      await api.world.clock.advance(1_000);
    }
    expect((await api.get('/jobs/c/runs')).items).toHaveLength(1);
  });

  test('are started once for one key and the same jobs', async () => {
    const first = (await start(['a', 'b', 'c'])).json();
    const again = (await start(['c', 'b', 'a', 'a'])).json();
    const ids = ({ jobs }: { jobs: { run: WireRun | null }[] }) => jobs.map(({ run: made }) => made?.id);
    expect(ids(again)).toEqual(ids(first));
    expect(again.jobs.map(({ skip }: { skip: string | null }) => skip)).toEqual([null, null, null]);
    await start(['a', 'b', 'c'], '', 'another');
    expect((await api.get('/jobs/a/runs')).items).toHaveLength(2);
  });

  test.each<[string, unknown, object]>([
    [
      'one of which does not exist: none is started',
      ['a', 'nobody'],
      { code: 'JOB_NOT_FOUND', field: 'jobs', value: 'nobody' },
    ],
    ['but none', [], { code: 'INVALID_FIELD', field: 'jobs' }],
    ['but more than 5,000', Array(5_001).fill('a'), { code: 'INVALID_FIELD', field: 'jobs' }],
  ])('%s', async (_, jobs, problem) => {
    expect((await start(jobs as string[])).json()).toMatchObject(problem);
    expect((await api.get('/runs')).items).toEqual([]);
  });
});
