/**
 * What a job sent as Chronos has it does, one test for each row of the table in docs/chronos.md: their behaviour
 * where users rely on it, ours where theirs hurts.
 */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { anyRoute } from '../../support/alerts.ts';
import { ApiWorld, type Body } from '../../support/api-world.ts';
import { testSettings } from '../../support/rig.ts';
import { World } from '../../support/world.ts';
import { three, two } from './asking.ts';

let api: ApiWorld;
const at = async (instant: string) => {
  api = await ApiWorld.at(instant);
};
beforeEach(() => at('2026-11-21T12:00:00Z'));
afterEach(() => api.close());

const ok = async (request: string, body?: unknown) => {
  const answer = await api.send(request, body === undefined ? {} : { body });
  expect(`${answer.statusCode} ${answer.body}`).toBe('204 ');
};
const put = (job: object, prefix = three) =>
  ok(`POST ${prefix}/${'parents' in job ? 'dependency' : 'iso8601'}`, {
    command: 'true',
    retries: 0,
    ...job,
  });
const read = (name: string, prefix = three): Promise<Body> => api.get(`${prefix}/job/${name}`);
const pass = (ms: number) => api.world.clock.advance(ms);
const exit = async (name: string, code = 0) => {
  api.world.engine.exit(api.world.engine.newest(name), code);
  await pass(100);
};
/** How often the job was started. */
const starts = (name: string) => api.world.engine.started.filter(({ job }) => job === name).length;
const always = (code: number) => {
  api.world.engine.plan = () => ({ durationMs: 100, exitCode: code });
};
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

test('a job that is late by many periods runs once, at once', async () => {
  always(0);
  await put({ name: 'late', schedule: 'R/2026-01-01T00:30:00Z/PT1H' });
  await pass(1_000);
  expect(starts('late')).toBe(1);
  await pass(hour);
  expect(starts('late')).toBe(2);
});

test('Rn is n runs, the one that stands for what had passed among them', async () => {
  always(0);
  await put({ name: 'five', schedule: 'R5/2026-11-20T00:30:00Z/PT1H' });
  await pass(12 * hour);
  expect(starts('five')).toBe(5);
  expect(await read('five')).toMatchObject({ successCount: 5, schedule: 'R0/2026-11-21T16:30:00.000Z/PT1H' });
});

test('runs by hand and retries take nothing from Rn', async () => {
  always(1);
  await put({ name: 'two', schedule: 'R2/2026-11-21T13:00:00Z/PT1H', retries: 1 });
  await ok(`PUT ${three}/job/two`);
  await pass(10 * minute);
  expect((await read('two')).schedule).toBe('R2/2026-11-21T13:00:00Z/PT1H');
  await pass(day);
  expect(starts('two')).toBe(6);
});

test('a month that begins on the 31st keeps its 31st', async () => {
  await api.close();
  await at('2024-01-30T00:00:00Z');
  always(0);
  await put({ name: 'monthly', schedule: 'R/2024-01-31T00:00:00Z/P1M' });
  const fires: string[] = [];
  for (let i = 0; i < 4; i++) {
    const { schedule } = await read('monthly');
    fires.push(schedule.slice(2, 12));
    // Months pass at once; the scheduler looks at its clock every half minute.
    api.world.clock.step(Date.parse(schedule.split('/')[1]) - api.world.clock.now());
    await pass(minute);
  }
  expect(fires).toEqual(['2024-01-31', '2024-02-29', '2024-03-31', '2024-04-30']);
});

test('a daily time comes back to itself after the clocks have changed', async () => {
  await api.close();
  await at('2026-03-07T12:00:00Z');
  always(0);
  await put({ name: 'local', schedule: 'R/2026-03-07T02:30:00/P1D', scheduleTimeZone: 'America/New_York' });
  await pass(2 * day);
  expect((await read('local')).schedule).toBe('R/2026-03-10T02:30:00.000-04:00/P1D');
});

test('a repeat without length is refused, as it would never stop', async () => {
  const answer = await api.send(`POST ${three}/iso8601`, {
    body: { name: 'x', command: 'x', schedule: 'R/2026-01-01T00:00:00Z/PT0S' },
  });
  expect(answer.statusCode).toBe(400);
});

test('after its last repetition a job is shown as disabled if it succeeded, and not if it failed', async () => {
  always(0);
  await put({ name: 'good', schedule: 'R1//P' });
  await pass(5_000);
  always(1);
  await put({ name: 'bad', schedule: 'R1//P' });
  await pass(5_000);
  expect([(await read('good')).disabled, (await read('bad')).disabled]).toEqual([true, false]);
});

test('R1//P sent again runs again; any other schedule sent again changes nothing', async () => {
  always(0);
  for (let i = 1; i <= 2; i++) {
    await put({ name: 'now', schedule: 'R1//P' });
    await put({ name: 'then', schedule: 'R/2026-11-01T00:00:00Z/P1D' });
    await pass(minute);
    expect([starts('now'), starts('then')]).toEqual([i, 1]);
  }
});

test('epsilon of 2.x is how late a run may start; 3.x never skips', async () => {
  always(0);
  const schedule = 'R1/2026-11-21T11:00:00Z/PT24H';
  await put({ name: 'skipped', schedule, epsilon: 'PT30M' }, two);
  await put({ name: 'run', schedule, epsilon: 'PT2H' }, two);
  await put({ name: 'third', schedule, epsilon: 'PT30M' }, three);
  await pass(1_000);
  expect([starts('skipped'), starts('run'), starts('third')]).toEqual([0, 1, 1]);
  expect((await read('third', two)).epsilon).toBe('PT30M');
});

test('a run that comes while another is under way waits for it, also one started by hand', async () => {
  await put({ name: 'busy', schedule: 'R/2026-12-01T00:00:00Z/P1D' });
  await ok(`PUT ${three}/job/busy`);
  await ok(`PUT ${three}/job/busy`);
  expect(starts('busy')).toBe(1);
  await exit('busy');
  expect(starts('busy')).toBe(2);
});

test('with concurrent they run beside each other', async () => {
  await put({ name: 'both', schedule: 'R/2026-12-01T00:00:00Z/P1D', concurrent: true });
  await ok(`PUT ${three}/job/both`);
  await ok(`PUT ${three}/job/both`);
  expect(starts('both')).toBe(2);
  const { jobs } = await api.get(`${three}/jobs/summary`);
  expect(jobs).toMatchObject([{ name: 'both', status: 'fresh', state: '2 running' }]);
});

test('retries come a minute apart, after a final failure too, and keep the arguments', async () => {
  always(1);
  await put({ name: 'again', command: 'echo', schedule: 'R/2026-12-01T00:00:00Z/P1D', retries: 1 });
  for (let i = 1; i <= 2; i++) {
    await ok(`PUT ${three}/job/again?arguments=-v;%20--all`);
    await pass(59_000);
    expect(starts('again')).toBe(2 * i - 1);
    await pass(5_000);
    expect(starts('again')).toBe(2 * i);
  }
  expect(api.world.engine.started.map(({ argv }) => argv?.at(-1))).toEqual(Array(4).fill('echo -v --all'));
  expect(await read('again')).toMatchObject({ errorCount: 2, errorsSinceLastSuccess: 2, successCount: 0 });
});

test('a job that was disabled while it ran stays disabled when the run fails', async () => {
  const job = { name: 'off', schedule: 'R/2026-11-21T12:01:00Z/PT1H' };
  await put(job);
  await pass(minute);
  await put({ ...job, disabled: true });
  await exit('off', 1);
  expect((await read('off')).disabled).toBe(true);
  await pass(3 * hour);
  expect(starts('off')).toBe(1);
});

test('sent as enabled, a job is enabled, whatever had paused or disabled it', async () => {
  const job = { name: 'held', schedule: 'R/2026-11-21T13:00:00Z/PT1H' };
  await put(job);
  await api.post('/jobs/held/pause');
  expect((await read('held')).disabled).toBe(true);
  await put(job);
  expect((await read('held')).disabled).toBe(false);
  await put({ ...job, disabled: true });
  await api.post('/jobs/held/resume');
  await put({ ...job, disabled: true });
  expect((await api.get('/jobs/held')).status).toBe('paused');
});

test('enabled again, a job goes on from now: what passed meanwhile is not run', async () => {
  always(0);
  const job = { name: 'rest', schedule: 'R/2026-11-21T12:30:00Z/PT1H' };
  await put({ ...job, disabled: true });
  await pass(5 * hour);
  await put({ ...job, disabled: false });
  await pass(minute);
  expect(starts('rest')).toBe(0);
  await pass(hour);
  expect(starts('rest')).toBe(1);
});

test('a kill is no failure: no retry, no count, no children', async () => {
  await put({ name: 'parent', schedule: 'R/2026-12-01T00:00:00Z/P1D', retries: 3 });
  await put({ name: 'child', parents: ['parent'] });
  await ok(`PUT ${three}/job/parent`);
  await ok(`DELETE ${three}/task/kill/parent`);
  await pass(hour);
  expect(starts('parent')).toBe(1);
  expect(starts('child')).toBe(0);
  expect(await read('parent')).toMatchObject({ errorCount: 0, lastError: '' });
});

test('killing where nothing runs is fine', async () => {
  await put({ name: 'still', schedule: 'R/2026-12-01T00:00:00Z/P1D' });
  await ok(`DELETE ${three}/task/kill/still`);
});

test('a child of several parents runs when the last of them has succeeded, and a restart forgets nothing', async () => {
  await put({ name: 'a', schedule: 'R/2026-11-21T13:00:00Z/P1D' });
  await put({ name: 'b', schedule: 'R/2026-11-21T13:00:00Z/P1D' });
  await put({ name: 'child', parents: ['a', 'b'] });
  await pass(hour);
  await exit('a');
  await api.world.crash();
  await api.world.startAnother();
  expect(starts('child')).toBe(0);
  await exit('b');
  expect(starts('child')).toBe(1);
});

test('with softError children run after a final failure', async () => {
  always(1);
  const schedule = 'R/2026-12-01T00:00:00Z/P1D';
  await put({ name: 'soft', schedule, softError: true });
  await put({ name: 'hard', schedule });
  await put({ name: 'after-soft', parents: ['soft'] });
  await put({ name: 'after-hard', parents: ['hard'] });
  for (const name of ['soft', 'hard']) await ok(`PUT ${three}/job/${name}`);
  await pass(5_000);
  expect([starts('after-soft'), starts('after-hard')]).toEqual([1, 0]);
});

test('a deleted scheduled job leaves its children to their other parents, or to be run by hand', async () => {
  await put({ name: 'a', schedule: 'R/2026-12-01T00:00:00Z/P1D' });
  await put({ name: 'b', schedule: 'R/2026-12-01T00:00:00Z/P1D' });
  await put({ name: 'both', parents: ['a', 'b'], description: 'kept' });
  await put({ name: 'only', parents: ['a'] });
  await ok(`DELETE ${three}/job/a`);
  expect(await read('both')).toMatchObject({ parents: ['b'], description: 'kept' });
  expect((await read('only')).schedule).toMatch(/^R0\//);
});

test('the children of a deleted dependent job go on with its parents', async () => {
  await put({ name: 'first', schedule: 'R/2026-12-01T00:00:00Z/P1D' });
  await put({ name: 'middle', parents: ['first'] });
  await put({ name: 'last', parents: ['middle'] });
  await ok(`DELETE ${three}/job/middle`);
  expect((await read('last')).parents).toEqual(['first']);
});

test('an update without the counters keeps them; a new job may bring them along', async () => {
  always(0);
  const schedule = 'R/2026-12-01T00:00:00Z/P1D';
  await put({
    name: 'old',
    schedule,
    successCount: 40,
    errorCount: 2,
    lastSuccess: '2026-11-01T00:00:00.000Z',
  });
  await ok(`PUT ${three}/job/old`);
  await pass(1_000);
  await put({ name: 'old', schedule, command: 'other' });
  expect(await read('old')).toMatchObject({
    successCount: 41,
    errorCount: 2,
    lastSuccess: expect.stringMatching(/^2026-11-21T12:/),
  });
});

test.each(['soon', '2026-11-21T23:00:00+14:00'])(
  'a success here is later than the lastSuccess %j sent',
  async (lastSuccess) => {
    always(0);
    await put({ name: 'old', schedule: 'R/2026-12-01T00:00:00Z/P1D', lastSuccess });
    expect((await read('old')).lastSuccess).toBe(lastSuccess);
    await ok(`PUT ${three}/job/old`);
    await pass(1_000);
    expect((await read('old')).lastSuccess).toMatch(/^2026-11-21T12:/);
  },
);

test('an edit through the native interface shows, and what it did not touch reads as it was sent', async () => {
  await put({
    name: 'edited',
    schedule: 'R/2026-W50-1T02:00Z/P1W',
    command: 'a',
    arguments: ['b'],
    ownerName: 'Ann',
  });
  const { definition } = await api.get('/jobs/edited');
  const { body } = await api.send('PUT /jobs/edited', {
    body: { ...definition, run: { command: 'changed' }, labels: { team: 'x' } },
  });
  expect(body).toContain('changed');
  expect(await read('edited')).toMatchObject({
    command: 'changed',
    arguments: [],
    schedule: 'R/2026-W50-1T02:00Z/P1W',
    ownerName: 'Ann',
  });
  await put({ ...(await read('edited')), cpus: 2 });
  expect((await api.get('/jobs/edited')).definition).toMatchObject({ labels: { team: 'x' } });
});

test('jobs that Chronos has no form for are shown as near as can be, and survive being sent back', async () => {
  await api.post('/jobs', { name: 'cron', run: { command: 'true' }, schedule: { cron: '0 2 * * *' } });
  await api.post('/jobs', { name: 'hand', run: { command: 'true' } });
  expect((await read('cron')).schedule).toBe('R/2026-11-22T02:00:00.000Z/PT24H');
  expect((await read('hand')).schedule).toMatch(/^R0\/2026-11-21T12:00:00.\d{3}Z\/PT24H$/);
  await put({ ...(await read('cron')), retries: 5 });
  expect((await api.get('/jobs/cron')).definition).toMatchObject({
    schedule: { cron: '0 2 * * *' },
    policy: { retries: { limit: 5 } },
  });
});

test('marking as succeeded lets the children of a failed job go on', async () => {
  await put({ name: 'parent', schedule: 'R/2026-11-21T13:00:00Z/P1D' });
  await put({ name: 'child', parents: ['parent'] });
  await pass(hour);
  await exit('parent', 1);
  expect(starts('child')).toBe(0);
  const answer = await api.send(`PUT ${three}/job/success/parent`);
  expect([answer.statusCode, answer.body]).toEqual([200, 'marked job parent as successful: true']);
  expect(starts('child')).toBe(1);
  expect(await read('parent')).toMatchObject({ successCount: 1, errorCount: 1 });
  const none = await api.send(`PUT ${three}/job/success/nobody`);
  expect([none.statusCode, none.body]).toEqual([200, 'marked job nobody as successful: false']);
});

test('an async job of 2.x is done when it is told so', async () => {
  await put({ name: 'async', schedule: 'R/2026-12-01T00:00:00Z/P1D', async: true }, two);
  await put({ name: 'child', parents: ['async'] });
  await ok(`PUT ${two}/job/async`);
  const id = api.world.engine.started.at(-1)!.env.mesos_task_id;
  await exit('async');
  await pass(hour);
  expect((await read('async')).successCount).toBe(0);
  await ok(`PUT ${two}/task/${id}`, { statusCode: 0 });
  expect((await read('async')).successCount).toBe(1);
  expect(starts('child')).toBe(1);
  await ok(`PUT ${two}/task/${id}`, { statusCode: 0 });
  expect((await api.send(`PUT ${two}/task/nonsense`, { body: { statusCode: 0 } })).statusCode).toBe(400);
});

test('a task that ran longer than maxCompletionTime is ended', async () => {
  await put({ name: 'slow', schedule: 'R1//P', maxCompletionTime: 90 });
  await pass(89_000);
  expect(api.world.engine.kills).toEqual([]);
  await pass(2_000);
  expect(api.world.engine.kills).toEqual([api.world.engine.newest('slow')]);
});

test('a command finds what Chronos told it', async () => {
  await put({
    name: 'env',
    owner: 'ann',
    schedule: 'R1//P',
    cpus: 0.5,
    environmentVariables: [
      { name: 'A', value: '1' },
      { name: 'CHRONOS_JOB_NAME', value: 'no' },
    ],
  });
  await pass(100);
  const { env } = api.world.engine.started.at(-1)!;
  const due = String(Date.parse('2026-11-21T12:00:00Z'));
  expect(env).toMatchObject({
    A: '1',
    CHRONOS_JOB_NAME: 'env',
    CHRONOS_JOB_OWNER: 'ann',
    CHRONOS_JOB_RUN_TIME: due,
    CHRONOS_JOB_RUN_ATTEMPT: '0',
    CHRONOS_RESOURCE_CPU: '0.5',
    CHRONOS_RESOURCE_MEM: '128',
    CHRONOS_RESOURCE_DISK: '256',
    mesos_task_id: `ct:${due}:0:env:`,
    MESOS_TASK_ID: `ct:${due}:0:env:`,
  });
});

test('what has no effect here is kept and told', async () => {
  const body = {
    name: 'odd',
    command: 'x',
    schedule: 'R//P1D',
    executor: 'e',
    disk: 9,
    constraints: [['a', 'LIKE', 'b']],
  };
  const answer = await api.send(`POST ${three}/iso8601`, { body });
  expect(answer.headers['x-carillon-warning']).toMatch(/executor.*disk.*constraints/);
  expect(await read('odd')).toMatchObject({ executor: 'e', disk: 9, constraints: [['a', 'LIKE', 'b']] });
});

test('an unknown time zone is refused rather than taken for GMT', async () => {
  const body = { name: 'x', command: 'x', schedule: 'R//P1D', scheduleTimeZone: 'Mars/Olympus' };
  expect((await api.send(`POST ${three}/iso8601`, { body })).statusCode).toBe(400);
});

test('a failure is reported once, to owners that are addresses', async () => {
  await api.close();
  const toOwners = { ...anyRoute, to: ['mail'], ownersAt: new Map([['mail', null]]) };
  const world = await World.at('2026-11-21T12:00:00Z', { ...testSettings, routes: [toOwners] });
  api = await ApiWorld.over(world);
  always(3);
  const owner = 'ann@example.com,bob@example.com';
  const job = {
    schedule: 'R/2026-11-21T12:00:01Z/PT1M',
    command: 'load',
    uris: ['http://a/x', 'http://a/y'],
  };
  await put({ name: 'owned', owner, ...job });
  await put({ name: 'other', owner: 'data team', ...job });
  await pass(5 * minute);
  expect(world.messages).toHaveLength(1);
  expect(world.messages).toMatchObject([{ job: 'owned', owner, title: 'owned failed' }]);
});
