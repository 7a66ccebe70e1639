/** What a client sends back as it read it, at once or later, changes nothing; test/scheduler/chronos has the property. */

import { afterEach, expect, test } from 'vitest';
import { ApiWorld, type Body } from '../../support/api-world.ts';
import { three, two } from './asking.ts';

const hour = 3_600_000;
let api: ApiWorld;
afterEach(() => api.close());
const start = async () => {
  const started = await ApiWorld.at('2026-11-21T12:00:00Z');
  started.world.engine.plan = () => ({ durationMs: 1_000, exitCode: 0 });
  api = started;
};

const good = async (request: string, body: unknown) => {
  const answer = await api.send(request, { body });
  expect(answer.statusCode, `${answer.body} to ${JSON.stringify(body)}`).toBeLessThan(300);
};
test.each<[string, Body]>([
  ['on weekdays, read on a Thursday', { cron: '0 2 * * 1-5' }],
  ['in a time zone', { cron: '30 2 * * *', timezone: 'Europe/Berlin' }],
  ['every 29 February', { cron: '0 0 29 2 *' }],
])('a cron job %s stays one, also after its next run', async (_, schedule) => {
  api = await ApiWorld.at('2026-11-26T23:30:00Z');
  await api.post('/jobs', { name: 'a', run: { command: 'true' }, schedule });
  const read = await api.get(`${three}/job/a`);
  for (const waitMs of [0, 3 * hour]) {
    await api.world.clock.advance(waitMs);
    await good(`POST ${three}/iso8601`, read);
    await good(`PUT ${two}/iso8601`, { ...read, epsilon: 'PT60S', async: false });
    expect(await api.get('/jobs/a')).toMatchObject({ revision: 1, definition: { schedule } });
  }
  await good(`POST ${three}/iso8601`, { ...read, command: 'other' });
  expect((await api.get('/jobs/a')).definition).toMatchObject({ schedule, run: { command: 'other' } });
});

test('a start that is moved on is a change, though it lies on the grid', async () => {
  await start();
  const job = { name: 'a', command: 'true', schedule: 'R/2026-11-22T02:00:00.000Z/PT24H' };
  await good(`POST ${three}/iso8601`, job);
  await good(`POST ${three}/iso8601`, { ...job, schedule: 'R/2026-11-25T02:00:00.000Z/PT24H' });
  expect((await api.get('/jobs/a')).nextDue).toBe('2026-11-25T02:00:00.000Z');
});

test('a job that has run once is neither paused nor changed', async () => {
  await start();
  for (const [name, schedule] of [
    ['at', { at: '2026-11-21T12:30:00Z' }],
    ['once', { every: 'R1/2026-11-21T12:30:00Z/P1D' }],
  ] as const)
    await api.post('/jobs', { name, run: { command: 'true' }, schedule });
  const fresh: Body[] = await api.get(`${three}/jobs`);
  await api.world.clock.advance(hour);
  const ended: Body[] = await api.get(`${three}/jobs`);
  expect(ended.map(({ disabled }) => disabled)).toEqual([true, true]);
  for (const job of [...ended, ...fresh]) {
    await good(`POST ${three}/iso8601`, job);
    expect(await api.get(`/jobs/${job.name}`)).toMatchObject({ revision: 1, status: 'completed' });
  }
});
