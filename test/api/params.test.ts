/** Parameters and templates through the API: what is asked, what is answered, and who sees what. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApiWorld } from '../support/api-world.ts';
import { believing, localAdmin, principalOf } from '../support/askers.ts';
import { World } from '../support/world.ts';

let api: ApiWorld;
const secret = 'file:/run/secrets/token';

beforeEach(async () => {
  const world = await World.at('2026-11-21T00:00:00Z');
  const authenticator = believing(({ headers }) => {
    const name = String(headers['test-name'] ?? '');
    return name === '' ? localAdmin : principalOf(name, [{ role: 'operator' }]);
  });
  api = await ApiWorld.over(world, {}, {}, authenticator);
  await api.post('/jobs', {
    name: 'a',
    schedule: { cron: '0 2 * * *', timezone: 'Europe/Berlin' },
    params: {
      day: { type: 'date', default: '2026-11-01' },
      rows: { type: 'integer', default: 5 },
      TOKEN: { type: 'secret', default: secret },
      note: {},
    },
    run: {
      argv: ['load', '{{ params.day }}', '{{ due | date: "%F" }}', '{{ params.note | default: "none" }}'],
      env: { ROWS: '{{ params.rows }}' },
    },
    policy: { overlap: 'allow' },
  });
});
afterEach(() => api.close());

const asOperator = (request: string, body?: unknown) =>
  api.send(request, { headers: { 'test-name': 'ann' }, ...(body !== undefined && { body }) });

test('a run is given numbers and text, and what is refused is named with what is allowed', async () => {
  const run = await api.post('/jobs/a/trigger', { params: { rows: 7, day: '2026-11-20' } });
  expect(run.params).toEqual({ rows: '7', day: '2026-11-20', TOKEN: secret });
  const refused = await api.send('POST /jobs/a/trigger', { body: { params: { rows: 'x', dya: '1' } } });
  expect(refused.statusCode).toBe(400);
  expect(refused.json()).toMatchObject({
    code: 'INVALID_FIELD',
    field: 'params.rows',
    value: 'x',
    allowed: 'a whole number',
    others: [{ code: 'UNKNOWN_FIELD', field: 'params.dya', allowed: ['day', 'rows', 'TOKEN', 'note'] }],
  });
});

test('a start of several jobs takes parameters, and a dry run does not need them', async () => {
  await api.post('/jobs', {
    name: 'b',
    params: { day: { type: 'date', required: true } },
    run: { command: 'true' },
  });
  const dry = await api.send('POST /trigger?dryRun=true', { body: { jobs: ['a', 'b'] } });
  expect(dry.statusCode).toBe(200);
  const missing = await api.send('POST /trigger', { body: { jobs: ['a', 'b'] } });
  expect(missing.json()).toMatchObject({ code: 'MISSING_FIELD', field: 'params.day' });
  const start = await api.post('/trigger', { jobs: ['a', 'b'], params: { day: '2026-11-20' } });
  expect(start.jobs.map(({ run }: { run: { params: object } }) => run.params)).toMatchObject([
    { day: '2026-11-20', rows: '5' },
    { day: '2026-11-20' },
  ]);
});

test('where secrets are, only those learn who may see it', async () => {
  const { id } = await api.post('/jobs/a/trigger');
  expect((await asOperator(`GET /runs/${id}`)).json().params.TOKEN).toBe('***');
  const job = (await asOperator('GET /jobs/a')).json();
  expect(JSON.stringify(job)).not.toContain('secrets/token');
  expect(job.hidden).toContain('params.TOKEN.default');
  const put = await api.send('PUT /jobs/a', { body: job.definition });
  expect(put.json()).toMatchObject({ code: 'INVALID_FIELD' });
  const given = await asOperator('POST /jobs/a/trigger', { params: { TOKEN: secret } });
  expect([given.statusCode, given.json().code]).toEqual([403, 'FORBIDDEN']);
});

test('a job shows what its templates would become, and a run what they became', async () => {
  const fields = (body: { fields: { field: string; value: string | null }[] }) =>
    Object.fromEntries(body.fields.map(({ field, value }) => [field, value]));
  const next = await api.post('/jobs/a/render');
  expect([next.due, next.runs, next.revision]).toEqual(['2026-11-21T01:00:00.000Z', null, 1]);
  expect(fields(next)).toEqual({
    'run.argv[1]': '2026-11-01',
    'run.argv[2]': '2026-11-21',
    'run.argv[3]': 'none',
    'run.env.ROWS': '5',
  });
  const other = await api.post('/jobs/a/render', { due: '2026-12-31T23:30:00Z', params: { note: 'x' } });
  expect(fields(other)).toMatchObject({ 'run.argv[2]': '2027-01-01', 'run.argv[3]': 'x' });
  const run = await api.post('/jobs/a/trigger', { params: { note: 'y' } });
  await api.send('PUT /jobs/a', { body: { name: 'a', run: { argv: ['other'] } } });
  expect(fields(await api.get(`/runs/${run.id}/rendered`))).toMatchObject({ 'run.argv[3]': 'y' });
  expect(fields((await asOperator(`GET /runs/${run.id}/rendered`)).json())).not.toHaveProperty(
    'run.env.ROWS',
  );
});
