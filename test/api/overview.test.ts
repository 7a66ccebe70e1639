import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiWorld, type Body } from '../support/api-world.ts';

const minute = 60_000;
const run = { command: 'true' };

let api: ApiWorld;
beforeEach(async () => {
  api = await ApiWorld.at('2026-11-21T00:00:00Z');
  const { engine } = api.world;
  engine.plan = ({ job }) => {
    if (job === 'extract')
      return api.world.clock.now() < Date.parse('2026-11-21T05:30:00Z') ? ok(minute) : null;
    return job === 'broken' ? { durationMs: 10, exitCode: 3 } : ok(10 * minute);
  };
  await api.post('/apply', [
    { name: 'extract', run, owner: 'ada', schedule: { cron: '0 * * * *' }, expect: { finishBy: '06:10' } },
    { name: 'load', run, schedule: { after: { parents: ['extract'] } } },
    { name: 'report', run, schedule: { after: { parents: ['load'] } } },
    { name: 'broken', run, schedule: { cron: '*/30 * * * *' } },
    { name: 'resting', run, paused: true },
  ]);
});
afterEach(() => api.close());

const ok = (durationMs: number) => ({ durationMs, exitCode: 0 });

describe('GET /overview', () => {
  test('says what is late, why, what hangs on it, and when all of it will be done', async () => {
    await api.world.clock.advance(6 * 3_600_000 + 11 * minute);
    const { counts, late } = await api.get('/overview');
    expect(counts).toMatchObject({ jobs: 5, active: 4, paused: 1, failing: 1, late: 1, running: 1 });
    expect(late).toMatchObject({
      total: 1,
      items: [
        {
          job: 'extract',
          owner: 'ada',
          kind: 'not-ended',
          since: '2026-11-21T06:10:00.000Z',
          reason: 'should have ended by 06:10 UTC',
          state: 'running',
          dependents: 2,
          // It ran longer than ever: nobody knows.
          done: null,
          allDone: null,
        },
      ],
    });
  });

  test('foresees the end from usual run times, along the longest way down', async () => {
    await api.world.clock.advance(6 * 3_600_000 + 30_000);
    await api.send('PUT /jobs/extract', {
      body: { name: 'extract', run, schedule: { cron: '0 * * * *' }, expect: { finishBy: '06:00' } },
    });
    const [late] = (await api.get('/overview')).late.items;
    // The finishing time of the next day: its run became due at 06:00.
    expect(late).toBeUndefined();
    const { items } = (await api.get('/overview')).running;
    const [extract] = items.filter(({ job }: Body) => job === 'extract');
    const leftMs = Date.parse(extract.done.p50) - Date.parse('2026-11-21T06:01:00Z');
    expect(Math.abs(leftMs)).toBeLessThan(1_000);
  });

  test('names what fails with its reason, and what is next', async () => {
    await api.world.clock.advance(45 * minute);
    const { failing, nextHour, running, at } = await api.get('/overview');
    expect(at.slice(0, 16)).toBe('2026-11-21T00:45');
    expect(failing.total).toBe(1);
    expect(failing.items[0]).toMatchObject({ job: 'broken', consecutiveFailures: 1, dependents: 0 });
    expect(failing.items[0].reason).toMatch(/3/);
    expect(nextHour.items.map(({ job, due }: Body) => `${job} ${due.slice(11, 16)}`)).toEqual([
      'broken 01:00',
      'extract 01:00',
    ]);
    expect(running.total).toBe(0);
  });
});

describe('plots', () => {
  beforeEach(() => api.world.clock.advance(6 * 3_600_000 + 30 * minute));

  test('GET /jobs/load/stats/days has each day by itself', async () => {
    const { days } = await api.get('/jobs/load/stats/days');
    expect(days.map(({ day, runTime }: Body) => `${day} ${runTime.count} ${runTime.p50}`)).toEqual([
      '2026-11-21 5 602111',
    ]);
    expect((await api.get('/jobs/load/stats/days?to=2026-11-20')).days).toEqual([]);
    expect((await api.send('GET /jobs/load/stats/days?from=2026-11-22&to=2026-11-21')).statusCode).toBe(400);
    expect((await api.send('GET /jobs/none/stats/days')).statusCode).toBe(404);
  });

  test('GET /jobs/load/stats/distribution adds up to what was counted', async () => {
    const { buckets, summary } = await api.get('/jobs/load/stats/distribution');
    expect(buckets.reduce((sum: number, bucket: Body) => sum + bucket.count, 0)).toBe(summary.count);
    for (const { fromMs, toMs } of buckets) {
      expect(fromMs).toBeLessThanOrEqual(600_000);
      expect(toMs).toBeGreaterThanOrEqual(600_000);
    }
    const failed = await api.get('/jobs/broken/stats/distribution?measure=failedRunTime');
    expect(failed.buckets).toHaveLength(1);
    const span = await api.get('/jobs/load/stats/distribution?to=2026-11-20');
    expect(span.summary.count).toBe(0);
  });

  test('GET /stats/top has the slowest, or those that failed most', async () => {
    const top = async (query: string) =>
      (await api.get(`/stats/top?${query}`)).items.map(({ job }: Body) => job).join(' ');
    expect(await top('by=p95')).toBe('load report extract');
    expect(await top('by=p50&limit=1')).toBe('load');
    expect(await top('by=failures')).toBe('broken');
  });

  test('GET /stats/rate counts every run in its step', async () => {
    const rate = await api.get('/stats/rate?from=2026-11-21T00:00:00Z&to=2026-11-21T06:00:00Z&step=PT1H');
    expect(rate).toMatchObject({ stepMs: 3_600_000, complete: true });
    expect(rate.steps.map(({ ended }: Body) => ended)).toEqual([
      { failed: 1 },
      ...Array.from({ length: 5 }, () => ({ succeeded: 3, failed: 2 })),
    ]);
    const whole = await api.get('/stats/rate?from=2026-11-21&step=PT1H');
    const unfinished = whole.steps.reduce((sum: number, step: Body) => sum + step.unfinished, 0);
    expect(unfinished).toBe(1);
    expect((await api.get('/stats/rate')).steps.length).toBeLessThanOrEqual(61);
  });

  test.each(['step=PT0S', 'step=P1M', 'step=soon', 'from=2026-01-01&step=PT1S'])(
    'GET /stats/rate?%s is refused',
    async (query) => {
      const answer = await api.send(`GET /stats/rate?${query}`);
      expect([answer.statusCode, answer.json().field]).toEqual([400, 'step']);
    },
  );
});

describe('GET /timeline', () => {
  beforeEach(() => api.world.clock.advance(4 * 3_600_000 + 5 * minute));
  const bars = async (query: string) => {
    const { bars: all } = await api.get(`/timeline?${query}`);
    return all.map(({ job, kind, due }: Body) => `${due.slice(11, 16)} ${job} ${kind}`);
  };

  test('has what was, what is under way, and what comes with its usual length', async () => {
    expect(await bars('from=2026-11-21T03:30:00Z&to=2026-11-21T05:01:00Z')).toEqual([
      '03:30 broken ended',
      '04:00 broken ended',
      '04:00 extract ended',
      '04:00 load unfinished',
      '04:30 broken coming',
      '05:00 broken coming',
      '05:00 extract coming',
    ]);
    const { bars: all } = await api.get('/timeline?job=extract&to=2026-11-21T05:01:00Z');
    const coming = all.at(-1);
    expect(coming).toMatchObject({ run: null, start: '2026-11-21T05:00:00.000Z', end: null });
    expect(Date.parse(coming.expectedEnd) - Date.parse(coming.start)).toBeGreaterThan(59_000);
  });

  test('of some jobs only', async () => {
    expect(await bars('q=ext&from=2026-11-21T04:00:00Z&to=2026-11-21T05:00:00Z')).toEqual([
      '04:00 extract ended',
    ]);
    expect(await bars('label=none')).toEqual([]);
  });

  test('says where it was cut', async () => {
    await api.post('/apply', [{ name: 'second', run, schedule: { cron: '* * * * * *' } }]);
    const { bars: all, cutAfter, cutBefore } = await api.get('/timeline?to=2026-11-21T06:00:00Z');
    const coming = all.filter(({ kind }: Body) => kind === 'coming');
    expect(coming.length).toBeLessThanOrEqual(2_000);
    expect(coming.length).toBeGreaterThan(1_900);
    expect(coming.every(({ due }: Body) => due < cutAfter)).toBe(true);
    expect(cutBefore).toBeNull();
  });
});

describe('GET /graph', () => {
  test('shows which parents a round still lacks', async () => {
    await api.post('/apply', [
      { name: 'other', run, schedule: { cron: '0 * * * *' } },
      { name: 'both', run, schedule: { after: { parents: ['extract', 'other'] } } },
    ]);
    await api.world.clock.advance(3_600_000 + 2 * minute);
    const { nodes } = await api.get('/graph?job=both');
    const [both] = nodes.filter(({ name }: Body) => name === 'both');
    expect(both.lacking).toEqual([{ due: '2026-11-21T01:00:00.000Z', parents: ['other'] }]);
    expect(both.late).toBeNull();
  });

  test.each([
    ['job=load', 'extract load report'],
    ['job=load&ancestors=0', 'load report'],
    ['job=extract&descendants=1', 'extract load'],
    ['job=report&ancestors=1&descendants=1', 'load report'],
  ])('?%s', async (query, expected) => {
    const { nodes } = await api.get(`/graph?${query}`);
    expect(nodes.map(({ name }: Body) => name).join(' ')).toBe(expected);
  });
});
