/** Calendars and maintenance over the API. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiWorld } from '../support/api-world.ts';

let api: ApiWorld;
beforeEach(async () => {
  api = await ApiWorld.at('2026-12-24T12:00:00Z');
});
afterEach(() => api.close());

const example = readFileSync(join(import.meta.dirname, '../../examples/calendars.yaml'), 'utf8');
const yaml = { 'content-type': 'application/yaml' };

describe('the example', () => {
  test('is applied in one request, calendars first', async () => {
    const dry = (await api.send('POST /apply?dryRun=true', { body: example, headers: yaml })).json();
    expect(dry.results.map((each: { name: string; outcome: string }) => [each.name, each.outcome])).toEqual([
      ['bank-holidays', 'created'],
      ['database-freeze', 'created'],
      ['settlement', 'created'],
    ]);
    const { counts } = (await api.send('POST /apply', { body: example, headers: yaml })).json();
    expect(counts).toMatchObject({ created: 3, refused: 0 });
    const again = (await api.send('POST /apply', { body: example, headers: yaml })).json();
    expect(again.counts).toMatchObject({ unchanged: 3 });
  });

  test('leaves out what the calendar covers, and says so', async () => {
    await api.send('POST /apply', { body: example, headers: yaml });
    const next = await api.get('/jobs/settlement/next?count=2');
    expect(next.instants).toEqual(['2026-12-28T05:00:00.000Z', '2026-12-29T05:00:00.000Z']);
    expect(next.excluded).toMatchObject([
      { at: '2026-12-25T05:00:00.000Z', calendar: 'bank-holidays', movedTo: '2026-12-28T05:00:00.000Z' },
      { at: '2026-12-26T05:00:00.000Z' },
      { at: '2026-12-27T05:00:00.000Z' },
    ]);
    const { items } = await api.get('/calendars');
    expect(items).toMatchObject([
      { name: 'bank-holidays', users: ['settlement'], expandedUntil: '2036-01-01T00:00:00.000Z' },
      { name: 'database-freeze', users: [] },
    ]);
    const preview = await api.get('/calendars/bank-holidays/preview?to=2026-12-31');
    expect(preview.windows[0]).toEqual({
      from: '2026-12-24T23:00:00.000Z',
      to: '2026-12-26T23:00:00.000Z',
      label: 'Christmas',
    });
  });
});

test('a calendar in use is not deleted, and an unknown one is refused', async () => {
  await api.send('POST /apply', { body: example, headers: yaml });
  const gone = await api.send('DELETE /calendars/bank-holidays');
  expect(gone.json()).toMatchObject({ status: 409, code: 'CALENDAR_IN_USE' });
  const job = {
    name: 'a',
    schedule: { cron: '0 2 * * *', calendar: { only: 'bank-holiday' } },
    run: { command: 'true' },
  };
  const refused = await api.send('POST /jobs', { body: job });
  expect(refused.json()).toMatchObject({ code: 'UNKNOWN_CALENDAR', field: 'schedule.calendar.only' });
});

test('maintenance begins, is listed, and ends', async () => {
  const mode = await api.post('/maintenance', { until: '2026-12-24T14:00:00Z', reason: 'new disks' });
  expect(mode).toMatchObject({ id: 'all', reason: 'new disks' });
  expect((await api.get('/maintenance')).items).toHaveLength(1);
  expect((await api.send('DELETE /maintenance/all')).statusCode).toBe(200);
  expect((await api.send('DELETE /maintenance/all')).json().code).toBe('MAINTENANCE_NOT_FOUND');
});

test('the next due time is skipped, and the one after moved', async () => {
  await api.post('/jobs', { name: 'a', schedule: { cron: '0 2 * * *' }, run: { command: 'true' } });
  expect(await api.post('/jobs/a/skip-next', { reason: 'inventory' })).toMatchObject({
    at: '2026-12-25T02:00:00.000Z',
    movedTo: null,
  });
  await api.post('/jobs/a/move', { from: '2026-12-26T02:00:00Z', to: '2026-12-26T04:30:00Z' });
  expect((await api.get('/jobs/a/next?count=2')).instants).toEqual([
    '2026-12-26T04:30:00.000Z',
    '2026-12-27T02:00:00.000Z',
  ]);
});
