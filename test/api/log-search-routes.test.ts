/** The routes that search the output of runs: what they read, in which order, and where they end. */

import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { CarillonError } from '../../src/errors.ts';
import type { RunLogChunk, RunLogQuery } from '../../src/scheduler/handle.ts';
import { ApiWorld } from '../support/api-world.ts';
import { until } from '../support/until.ts';

let api: ApiWorld;
/** The output of each attempt, by `run/attempt`. */
const outputs = new Map<string, string | CarillonError>();
const asked: RunLogQuery[] = [];
afterEach(async () => {
  await api.close();
  outputs.clear();
  asked.length = 0;
});

async function* logs(id: string, query: RunLogQuery): AsyncGenerator<RunLogChunk> {
  asked.push(query);
  const { attempt = 0 } = query;
  const output = outputs.get(`${id}/${attempt}`) ?? '';
  if (output instanceof CarillonError) throw output;
  for (const text of output.match(/.{1,5}\n?|\n/g) ?? [])
    yield { attempt, stream: 'stdout', bytes: Buffer.from(text) };
}

/** Runs of one job, oldest first, of which each has failed once and was tried again. */
async function withRuns(count: number, read: typeof logs = logs): Promise<string[]> {
  api = await ApiWorld.at('2026-11-21T00:00:00Z', {}, { logs: read });
  const policy = { overlap: 'allow', retries: { limit: 1, delay: 'PT1S' } };
  await api.post('/jobs', { name: 'a', run: { command: 'true' }, policy });
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const { id } = await api.post('/jobs/a/trigger');
    for (const code of [1, 0]) {
      await api.world.clock.advance(5_000);
      api.world.engine.exit(api.world.engine.newest('a'), code);
    }
    await api.world.clock.advance(60_000);
    ids.push(id);
  }
  return ids;
}

const allRead = { hits: 0, reached: null, gone: 0, failed: 0, failure: null };

test('all attempts of a run are searched, the newest first', async () => {
  const [id] = await withRuns(1);
  outputs.set(`${id}/1`, 'an Error\nat line 7\n');
  outputs.set(`${id}/2`, 'fine\n');
  expect(await api.get(`/runs/${id}/logs/search?text=error&ignoreCase=true&context=1`)).toEqual([
    {
      kind: 'hit',
      run: id,
      attempt: 1,
      stream: 'stdout',
      line: 1,
      time: null,
      text: 'an Error',
      from: 0,
      length: 8,
      before: [],
      after: ['at line 7'],
    },
    { kind: 'end', ...allRead, hits: 1, runs: 1, attempts: 2, bytes: 24 },
  ]);
  expect(asked).toMatchObject([{ attempt: 2, timestamps: true }, { attempt: 1 }]);
});

test('one attempt and one stream are searched alone', async () => {
  const [id] = await withRuns(1);
  expect(await api.get(`/runs/${id}/logs/search?text=x&attempt=1&stream=stderr`)).toMatchObject([
    { kind: 'end', attempts: 1 },
  ]);
  expect(asked).toMatchObject([{ attempt: 1, stream: 'stderr' }]);
});

test("a job's runs are searched, the newest first, within the times that are asked for", async () => {
  const ids = await withRuns(3);
  for (const id of ids) outputs.set(`${id}/2`, 'x\n');
  const found = async (query: string) =>
    (await api.get(`/jobs/a/logs/search?text=x${query}`)).map(({ run }: { run?: string }) => run);
  expect(await found('')).toEqual([...ids.toReversed(), undefined]);
  const { due } = await api.get(`/runs/${ids[1]}`);
  expect(await found(`&to=${due}`)).toEqual([ids[0], undefined]);
});

test('what a reporter sent with the end of a run is searched, although it never said that it started', async () => {
  api = await ApiWorld.at('2026-11-21T00:00:00Z');
  await api.post('/jobs', { name: 'b', schedule: { cron: '*/5 * * * *' } });
  const headers = { 'content-type': 'text/plain' };
  await api.send('POST /heartbeats/b', { body: 'it went well\n', headers });
  expect(await api.get('/jobs/b/logs/search?text=well')).toMatchObject([
    { kind: 'hit', text: 'it went well' },
    { kind: 'end', attempts: 1 },
  ]);
});

describe('a bound that was reached is said:', () => {
  test.each([
    ['of hits', 'limit=3', { reached: 'limit', hits: 3, runs: 1 }],
    ['of bytes', 'bytes=5', { reached: 'bytes', hits: 2, bytes: 6, runs: 1 }],
    ['of runs', 'runs=1', { reached: 'runs', runs: 1, attempts: 2 }],
    ['none', 'runs=2&limit=7', { reached: null, runs: 2, attempts: 4, hits: 6 }],
  ])('%s', async (_, query, end) => {
    for (const id of await withRuns(2)) {
      outputs.set(`${id}/1`, 'x1\nx2\nx3\n');
      outputs.set(`${id}/2`, '');
    }
    const findings = await api.get(`/jobs/a/logs/search?text=x&${query}`);
    expect(findings.at(-1)).toMatchObject({ kind: 'end', ...end });
  });
});

test('output that is gone or cannot be read does not hide what is found elsewhere', async () => {
  const ids = await withRuns(3);
  outputs.set(`${ids[0]}/1`, 'x\n');
  outputs.set(`${ids[1]}/1`, new CarillonError('LOGS_GONE', 'gone'));
  outputs.set(`${ids[2]}/2`, new CarillonError('ENGINE_UNAVAILABLE', 'Docker is away.'));
  const findings = await api.get('/jobs/a/logs/search?text=x');
  expect(findings).toMatchObject([
    { kind: 'hit', run: ids[0] },
    { hits: 1, runs: 3, attempts: 4, gone: 1, failed: 1, failure: 'Docker is away.' },
  ]);
});

test.each([
  ['runs/nobody/logs/search?text=x', 404, 'RUN_NOT_FOUND'],
  ['jobs/nobody/logs/search?text=x', 404, 'JOB_NOT_FOUND'],
  ['jobs/a/logs/search', 400, 'MISSING_FIELD'],
  ['jobs/a/logs/search?text=', 400, 'INVALID_FIELD'],
  [`jobs/a/logs/search?text=${'x'.repeat(201)}`, 400, 'INVALID_FIELD'],
  ['jobs/a/logs/search?text=x%0Ay', 400, 'INVALID_FIELD'],
  ['jobs/a/logs/search?text=x&context=21', 400, 'INVALID_FIELD'],
  ['jobs/a/logs/search?text=x&runs=0', 400, 'INVALID_FIELD'],
])('%s is refused', async (path, status, code) => {
  await withRuns(0);
  const answer = await api.send(`GET /${path}`);
  expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
});

test('an attempt that the run does not have is refused', async () => {
  const [id] = await withRuns(1);
  const answer = await api.send(`GET /runs/${id}/logs/search?text=x&attempt=3`);
  expect(answer.json()).toMatchObject({ code: 'RUN_NOT_FOUND', field: 'attempt' });
});

test('a client that goes away ends the search', async () => {
  let stopped = false;
  const [id] = await withRuns(1, async function* (_, { signal, attempt = 0 }) {
    try {
      for (let n = 0; signal?.aborted !== true; n++) {
        yield { attempt, stream: 'stdout', bytes: Buffer.from(n === 0 ? 'x\n' : 'y\n') };
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      stopped = true;
    }
  });
  const { port } = new URL(await api.app.listen({ host: '127.0.0.1', port: 0 }));
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    `GET /api/v1/runs/${id}/logs/search?text=x&bytes=1000000000 HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  );
  let got = '';
  socket.on('data', (data) => (got += String(data)));
  await until('a hit came', () => got.includes('"hit"'));
  expect(stopped).toBe(false);
  socket.destroy();
  await until('the search ended', () => stopped);
});

test('more searches than a client may have are refused, and the place of one that ended is free', async () => {
  let held: (() => void)[] = [];
  const [id] = await withRuns(1, async function* () {
    await new Promise<void>((resolve) => held.push(resolve));
  });
  const path = `/runs/${id}/logs/search?text=x&attempt=1`;
  const searches = Array.from({ length: 8 }, () => api.send(`GET ${path}`));
  await until('all search', () => held.length === 8);
  const { statusCode, headers } = await api.send(`GET ${path}`);
  expect([statusCode, headers['retry-after'] !== undefined]).toEqual([503, true]);
  for (const end of held.splice(0)) end();
  for (const answer of await Promise.all(searches)) expect(answer.statusCode).toBe(200);
  held = [];
  const after = api.get(path);
  await until('one more searches', () => held.length === 1);
  held[0]!();
  expect(await after).toMatchObject([{ kind: 'end', attempts: 1 }]);
});
