/** A job that waits for a paused one says so: on its own page, in lists, in the graph. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApiWorld, type Body } from '../support/api-world.ts';

let api: ApiWorld;
const run = { command: 'true' };
const after = (...parents: string[]) => ({ after: { parents } });
beforeEach(async () => {
  api = await ApiWorld.at('2026-11-21T00:30:00Z');
  await api.post('/apply', [
    { name: 'extract', run, schedule: { cron: '0 * * * *' } },
    { name: 'other', run, schedule: { cron: '0 * * * *' } },
    { name: 'load', run, schedule: after('extract', 'other') },
    { name: 'report', run, schedule: after('load') },
    { name: 'mail', run, schedule: after('report', 'other') },
  ]);
});
afterEach(() => api.close());

const reasonOf = async (name: string) => (await api.get(`/jobs/${name}`)).statusReason;
const holders = async (name: string) =>
  (await api.get(`/jobs/${name}`)).heldBackBy.map(({ job, status }: Body) => `${job} ${status}`);

test('the nearest paused job above is named, also by jobs further down', async () => {
  await api.post('/jobs/extract/pause');
  for (const name of ['load', 'report', 'mail']) {
    expect(await holders(name)).toEqual(['extract paused']);
    expect(await reasonOf(name)).toBe('held back by extract, which is paused');
  }
  expect(await holders('other')).toEqual([]);
  const rows = (await api.get('/jobs?view=row')).items;
  expect(rows.find(({ name }: Body) => name === 'report').statusReason).toBe(
    'held back by extract, which is paused',
  );
  const { nodes } = await api.get('/graph');
  expect(nodes.find(({ name }: Body) => name === 'mail').heldBackBy).toEqual([
    { job: 'extract', status: 'paused' },
  ]);
});

test('one that stands in between hides those above it, and others are counted', async () => {
  await api.post('/jobs/extract/pause');
  await api.post('/jobs/report/pause');
  await api.post('/jobs/other/pause');
  expect(await holders('mail')).toEqual(['report paused', 'other paused']);
  expect(await reasonOf('mail')).toBe('held back by report, which is paused, and by 1 more');
  expect(await reasonOf('report')).toBe('paused by local');
});

test('nothing is said once it is resumed, nor of what has no parents', async () => {
  await api.post('/jobs/extract/pause');
  await api.post('/jobs/extract/resume');
  expect(await reasonOf('mail')).toBeNull();
  expect((await api.get('/jobs/extract')).heldBackBy).toEqual([]);
});
