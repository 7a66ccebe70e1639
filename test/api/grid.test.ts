import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiWorld, type Body } from '../support/api-world.ts';

let api: ApiWorld;
beforeEach(async () => {
  api = await ApiWorld.at('2026-11-21T00:30:00Z');
});
afterEach(() => api.close());

const hour = 3_600_000;
const run = { command: 'true' };
const hourly = { name: 'load', run, schedule: { cron: '0 * * * *' }, labels: { team: 'sales' } };
const after = (name: string, ...parents: string[]) => ({
  name,
  run,
  schedule: { after: { parents } },
  labels: { team: 'sales' },
});

/** `load` and what follows from it, three rounds of which the second fails. */
async function threeRounds(): Promise<void> {
  await api.world.put(hourly, after('clean', 'load'), after('zip', 'load'), after('report', 'clean', 'zip'), {
    name: 'alone',
    run,
    schedule: { cron: '0 0 * * *' },
  });
  for (const exitCode of [0, 1, 0]) {
    await api.world.clock.advance(hour);
    await endAll('load', exitCode);
    await endAll('clean', 0);
    await endAll('zip', 0);
    await endAll('report', 0);
  }
}

async function endAll(job: string, exitCode: number): Promise<void> {
  const { items } = await api.get(`/runs?job=${job}&state=running`);
  for (const { attempts } of items as Body[]) api.world.engine.exit(attempts[0].launchName, exitCode);
  await api.world.clock.advance(1_000);
}

const rows = ({ jobs, cells }: Body): string[] =>
  jobs.map(({ name }: Body, index: number) => `${name} ${cells[index]}`);
const hours = ({ columns }: Body): string[] => columns.map(({ from }: Body) => from.slice(11, 16));

describe('by rounds', () => {
  beforeEach(threeRounds);

  test('has the jobs in the order in which they depend on each other, and each due time of the root', async () => {
    const grid = await api.get('/grid?root=load');
    expect(hours(grid)).toEqual(['01:00', '02:00', '03:00']);
    expect(rows(grid)).toEqual(['load sfs', 'clean sxs', 'zip sxs', 'report sxs']);
    expect(grid.jobs[3]).toEqual({
      name: 'report',
      level: 2,
      parents: ['clean', 'zip'],
      labels: { team: 'sales' },
      status: 'active',
    });
    expect(grid).toMatchObject({ by: 'rounds', total: 4, counts: null, worst: null, earlier: null });
    expect(grid.letters).toMatchObject({ s: 'succeeded', x: 'skipped' });
  });

  test('shows the rerun of a round in place of the failure, and says that there is one', async () => {
    const failed = (await api.get('/runs?job=load&state=failed')).items[0] as Body;
    await api.post(`/runs/${failed.id}/rerun`);
    expect(rows(await api.get('/grid?root=load'))[0]).toBe('load sRs');
    await endAll('load', 0);
    await endAll('clean', 0);
    await endAll('zip', 0);
    expect(rows(await api.get('/grid?root=load'))).toEqual([
      'load sSs',
      'clean sSs',
      'zip sSs',
      'report sRs',
    ]);
  });

  test('has a column for a start by a user, below the root too', async () => {
    await api.post('/jobs/clean/trigger');
    const grid = await api.get('/grid?root=load');
    expect(grid.columns.map(({ manual }: Body) => manual)).toEqual([false, false, false, true]);
    expect(rows(grid).slice(0, 2)).toEqual(['load sfs.', 'clean sxsr']);
  });

  test('shows a run that joins other parents in the round of the root that it belongs to', async () => {
    await api.world.put(
      { name: 'other', run, schedule: { cron: '7 * * * *' } },
      { name: 'both', run, schedule: { after: { parents: ['load', 'other'], per: 'hour' } } },
    );
    await api.world.clock.advance(hour);
    await endAll('load', 0);
    await endAll('other', 0);
    expect(rows(await api.get('/grid?root=load'))).toContain('both ...r');
  });

  test('shows that a round waits for parents', async () => {
    await api.world.clock.advance(hour);
    await endAll('load', 0);
    await endAll('clean', 0);
    expect(rows(await api.get('/grid?root=load'))).toEqual([
      'load sfss',
      'clean sxss',
      'zip sxsr',
      'report sxsp',
    ]);
  });

  test('is read in pages of columns, newest first', async () => {
    const newest = await api.get('/grid?root=load&columns=2');
    expect(hours(newest)).toEqual(['02:00', '03:00']);
    const before = await api.get(`/grid?root=load&columns=2&to=${newest.earlier}`);
    expect(hours(before)).toEqual(['01:00']);
    expect(before.earlier).toBeNull();
    expect(hours(await api.get('/grid?root=load&from=2026-11-21T02:00:00Z'))).toEqual(['02:00', '03:00']);
  });

  test('selects jobs as lists do, and those whose parents are not selected give the columns', async () => {
    expect(rows(await api.get('/grid?q=zip'))).toEqual(['zip sxs']);
    const { total, jobs } = await api.get('/grid?label=team=sales&skip=3');
    expect([total, jobs.map(({ name }: Body) => name)]).toEqual([4, ['report']]);
    expect(rows(await api.get('/grid?root=load&q=nothing-like-it'))).toEqual([]);
  });

  test('shows the due times that a pause skipped', async () => {
    await api.post('/jobs/load/pause');
    await api.world.clock.advance(3 * hour);
    const grid = await api.get('/grid?root=load');
    expect(hours(grid)).toEqual(['01:00', '02:00', '03:00', '04:00', '05:00', '06:00']);
    expect(rows(grid).slice(0, 2)).toEqual(['load sfsxxx', 'clean sxs...']);
  });
});

describe('by days', () => {
  beforeEach(threeRounds);

  test('counts the due times of each day of a zone and shows the worst', async () => {
    await api.post('/jobs/load/pause');
    await api.world.clock.advance(24 * hour);
    const grid = await api.get('/grid?root=load&by=days&timezone=Europe/Berlin&columns=3');
    expect(grid.columns[1]).toEqual({
      from: '2026-11-20T23:00:00.000Z',
      to: '2026-11-21T23:00:00.000Z',
      manual: false,
    });
    expect(rows(grid).slice(0, 2)).toEqual(['load .fx', 'clean .x.']);
    expect(grid.counts[0]).toEqual([0, 22, 5]);
    expect(grid.worst[0]).toEqual([0, 1, 5]);
    expect(grid).toMatchObject({ timezone: 'Europe/Berlin', earlier: '2026-11-19T23:00:00.000Z' });
  });
});

describe('a round', () => {
  const due = '2026-11-21T03:00:00.000Z';
  const round = (at = due): Promise<Body> => api.get(`/jobs/load/rounds/${at}`);
  const states = ({ jobs }: Body): string[] =>
    jobs.map(({ name, run: its }: Body) => `${name} ${its?.state}`);

  test('has the run of each job, what its end waited for, and the rounds beside it', async () => {
    await threeRounds();
    const answer = await round();
    expect(states(answer)).toEqual([
      'load succeeded',
      'clean succeeded',
      'zip succeeded',
      'report succeeded',
    ]);
    expect(answer.jobs[3].parents).toEqual(['clean', 'zip']);
    // zip ended after clean.
    expect(answer.criticalPath).toEqual({ jobs: ['load', 'zip', 'report'], totalMs: expect.any(Number) });
    expect(answer.before).toEqual(['2026-11-21T02:00:00.000Z', '2026-11-21T01:00:00.000Z']);
    expect(answer.after).toBeNull();
    expect(await round(answer.before[0])).toMatchObject({ after: due });
    expect(states(await round(answer.before[0]))[1]).toBe('clean skipped');
  });

  test('has what joins other parents, which is due later, and nothing of a job that has no run in it', async () => {
    await api.world.put(hourly, { name: 'other', run, schedule: { cron: '7 * * * *' } });
    await api.world.put(
      { name: 'both', run, schedule: { after: { parents: ['load', 'other'], per: 'hour' } } },
      after('last', 'both'),
    );
    await api.world.clock.advance(3 * hour);
    await endAll('load', 0);
    await endAll('other', 0);
    expect(states(await round('2026-11-21T01:00:00Z')).slice(1)).toEqual(['both running', 'last undefined']);
  });

  test.each([
    ['an unknown job', '/jobs/nobody/rounds/2026-11-21T03:00:00Z', 'JOB_NOT_FOUND'],
    ['a time that is none', '/jobs/load/rounds/yesterday', 'INVALID_FIELD'],
  ])('refuses %s', async (_, path, code) => {
    await api.world.put(hourly);
    expect((await api.send(`GET ${path}`)).json()).toMatchObject({ code });
  });
});

test.each([
  ['an unknown job', 'root=nobody', 'JOB_NOT_FOUND'],
  ['an unknown zone', 'by=days&timezone=Mars/North', 'UNKNOWN_TIMEZONE'],
  ['an end before the beginning', 'from=2026-11-22&to=2026-11-21', 'INVALID_FIELD'],
])('refuses %s', async (_, asked, code) => {
  expect((await api.send(`GET /grid?${asked}`)).json()).toMatchObject({ code });
});
