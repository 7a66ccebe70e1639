/** A run of a first job, and all that follows from it, as one thing. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WireWholePipeline } from '../../src/api/wire/pipelines.ts';
import { ApiWorld } from '../support/api-world.ts';

let api: ApiWorld;
const run = { command: 'true' };
const after = (...parents: string[]) => ({ schedule: { after: { parents } } });

beforeEach(async () => {
  api = await ApiWorld.at('2026-11-21T01:59:00Z');
  const jobs = [
    { name: 'extract', schedule: { cron: '0 2 * * *' }, expect: { pipelineBy: '02:30' }, run },
    { name: 'load', ...after('extract'), run },
    { name: 'check', ...after('extract'), run },
    { name: 'report', ...after('load', 'check'), run },
    { name: 'clean', schedule: { after: { parents: ['report'], when: 'all-done' } }, run },
    { name: 'alone', schedule: { cron: '0 2 * * *' }, run },
  ];
  const { statusCode } = await api.send('POST /apply', { body: jobs });
  expect(statusCode).toBe(200);
  await api.world.clock.advance(61_000);
});
afterEach(() => api.close());

const id = 'extract.20261121T020000Z';
const pipeline = (): Promise<WireWholePipeline> => api.get(`/pipelines/${id}`) as Promise<WireWholePipeline>;
const states = async () => Object.fromEntries((await pipeline()).parts.map(({ job, state }) => [job, state]));
const end = async (job: string, code = 0) => {
  api.world.engine.exit(api.world.engine.newest(job), code);
  await api.world.clock.advance(1_000);
};

describe('a pipeline', () => {
  test('tells how far it is, from its first run to its last, parents before their children', async () => {
    const { parts } = await pipeline();
    expect(parts.map(({ job }) => job)).toEqual(['extract', 'check', 'load', 'report', 'clean']);
    expect(parts.at(3)?.after).toEqual(['load', 'check']);
    expect(await states()).toEqual({
      ...{ extract: 'running', load: 'pending', check: 'pending', report: 'pending', clean: 'pending' },
    });
    await end('extract');
    await end('load');
    expect(await states()).toEqual({
      ...{ extract: 'succeeded', load: 'succeeded', check: 'running', report: 'pending', clean: 'pending' },
    });
    for (const job of ['check', 'report', 'clean']) await end(job);
    expect(await pipeline()).toMatchObject({
      ...{ id, job: 'extract', state: 'succeeded', jobs: 5, lateMs: null, cut: false },
      expectedBy: '2026-11-21T02:30:00.000Z',
      counts: { succeeded: 5, failed: 0, skipped: 0, running: 0, pending: 0, none: 0 },
    });
  });

  test('is late as a whole, while it runs and afterwards', async () => {
    await end('extract');
    await api.world.clock.advance(45 * 60_000);
    expect((await pipeline()).lateMs).toBeGreaterThan(15 * 60_000);
  });

  test('is not late if somebody began it after its time, as in a backfill', async () => {
    const body = { jobs: ['extract'], from: '2026-11-20T00:00:00Z', to: '2026-11-21T00:00:00Z' };
    const made = await api.send('POST /backfills', { body });
    expect(made.statusCode).toBe(202);
    await api.world.clock.advance(1_000);
    const [first] = (await api.get('/pipelines?job=extract&to=2026-11-21T00:00:00Z')).items;
    expect(first).toMatchObject({ due: '2026-11-20T02:00:00.000Z', expectedBy: null, lateMs: null });
    expect((await api.get(`/runs/${first.id}`)).origin).toEqual({ kind: 'backfill', job: null });
  });

  test('is listed where it begins, and a job without children begins none', async () => {
    const { items } = await api.get('/pipelines');
    expect(items).toMatchObject([{ id, state: 'running' }]);
    expect((await api.get('/pipelines?job=extract')).items).toHaveLength(1);
    expect((await api.send('GET /pipelines?job=nope')).statusCode).toBe(404);
  });

  test('each run names those that it triggered, and those that triggered it', async () => {
    await end('extract');
    const found = await api.get(`/runs/${id}`);
    expect(found.children).toEqual([
      { id: 'check.20261121T020000Z', job: 'check', state: 'running' },
      { id: 'load.20261121T020000Z', job: 'load', state: 'running' },
    ]);
    expect((await api.get('/runs/load.20261121T020000Z')).parents).toEqual([id]);
  });

  test('what failed is run again once, above which nothing failed, and the rest follows', async () => {
    await end('extract');
    await end('load', 1);
    await end('check', 1);
    await end('clean');
    expect(await states()).toEqual({
      ...{ extract: 'succeeded', load: 'failed', check: 'failed', report: 'skipped', clean: 'succeeded' },
    });
    expect((await pipeline()).state).toBe('failed');
    const headers = { 'idempotency-key': 'again' };
    for (let times = 0; times < 2; times++)
      expect((await api.send(`POST /pipelines/${id}/rerun`, { headers })).statusCode).toBe(202);
    await api.world.clock.advance(1_000);
    expect(await states()).toMatchObject({ load: 'running', check: 'running' });
    await end('load');
    await end('check');
    await end('report');
    await end('clean');
    expect(await pipeline()).toMatchObject({ state: 'succeeded', counts: { succeeded: 5 } });
    expect((await api.get('/jobs/report/runs')).items).toHaveLength(2);
    const refused = await api.send(`POST /pipelines/${id}/rerun`);
    expect(refused.json()).toMatchObject({ status: 409, code: 'NOTHING_FAILED' });
  });

  test('is killed as a whole: nothing follows, not even what runs after every end', async () => {
    await end('extract');
    const killed = await api.send(`POST /pipelines/${id}/kill`);
    expect(killed.statusCode).toBe(202);
    for (const job of ['load', 'check']) await end(job, 143);
    await api.world.clock.advance(5_000);
    expect(await states()).toEqual({
      ...{ extract: 'succeeded', load: 'killed', check: 'killed', report: 'skipped', clean: 'skipped' },
    });
    const { reason } = await api.get('/runs/clean.20261121T020000Z');
    expect(reason).toMatch(/^killed with its pipeline by /);
    const again = await api.send(`POST /pipelines/${id}/kill`);
    expect(again.json()).toMatchObject({ status: 409, code: 'RUN_ENDED' });
  });

  test('a pipeline that is unknown is not found', async () => {
    for (const request of ['GET /pipelines/nope', 'POST /pipelines/nope/kill', 'POST /pipelines/nope/rerun'])
      expect((await api.send(request)).json()).toMatchObject({ status: 404, code: 'RUN_NOT_FOUND' });
  });
});
