/** What Prometheus reads: of which jobs, the same on every node, and counters that never go back. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CarillonError } from '../../../src/errors.ts';
import { ApiWorld } from '../../support/api-world.ts';
import { seriesIn, wentBack } from '../../support/scraped.ts';

const minutely = { cron: '* * * * *' };
const settings = { metricsJobs: { most: 10, labels: [] } };

let api: ApiWorld;
beforeEach(async () => {
  api = await ApiWorld.at('2026-11-21T00:00:30Z', settings);
});
afterEach(() => api.close());

const scrape = async (from: ApiWorld = api) => seriesIn(await from.get('//metrics'));
const put = (job: object): Promise<unknown> => api.post('/jobs', { run: { command: 'true' }, ...job });
/** Ends the newest attempt of the job. */
async function end(job: string, exitCode: number): Promise<number> {
  const at = api.world.clock.now();
  api.world.engine.exit(api.world.engine.newest(job), exitCode);
  await api.world.clock.settle();
  return at / 1_000;
}

/** The series of the job, by metric and further labels. */
async function ofJob(name: string, from: ApiWorld = api): Promise<Record<string, number>> {
  const label = `job_name="${name}"`;
  return Object.fromEntries(
    [...(await scrape(from))].flatMap(([series, { value }]) =>
      series.includes(label)
        ? [
            [
              series.replace('carillon_job_', '').replace(label, '').replace('{,', '{').replace('{}', ''),
              value,
            ],
          ]
        : [],
    ),
  );
}

describe('a job', () => {
  test('without a run has no times', async () => {
    await put({ name: 'a' });
    expect(await ofJob('a')).toEqual({
      'outcomes_total{outcome="succeeded"}': 0,
      'outcomes_total{outcome="failed"}': 0,
      'outcomes_total{outcome="killed"}': 0,
      'outcomes_total{outcome="skipped"}': 0,
      'outcomes_total{outcome="missed"}': 0,
      consecutive_failures: 0,
      late: 0,
    });
  });

  test('has the times and outcomes of its runs', async () => {
    await put({ name: 'a', schedule: minutely });
    await api.world.clock.advance(34_000);
    const succeededAt = await end('a', 0);
    await api.world.clock.advance(76_000);
    const failedAt = await end('a', 1);
    const figures = await ofJob('a');
    expect(figures).toMatchObject({
      'outcomes_total{outcome="succeeded"}': 1,
      'outcomes_total{outcome="failed"}': 1,
      last_success_timestamp_seconds: succeededAt,
      last_failure_timestamp_seconds: failedAt,
      'last_end_timestamp_seconds{state="failed"}': failedAt,
      consecutive_failures: 1,
      'duration_seconds_bucket{le="1"}': 0,
      'duration_seconds_bucket{le="5"}': 1,
      'duration_seconds_bucket{le="+Inf"}': 1,
      duration_seconds_count: 1,
      'start_lateness_seconds_bucket{le="0.1"}': 2,
      start_lateness_seconds_count: 2,
    });
    // As docs/metrics.md says.
    expect(Object.keys(figures)).toHaveLength(34);
    expect(figures.duration_seconds_sum).toBeCloseTo(4.1, 1);
  });

  test('is late from the time at which the overview shows it as late', async () => {
    api.world.engine.down = true;
    await put({ name: 'a', schedule: { cron: '1 0 * * *' } });
    await api.world.clock.advance(89_000);
    expect((await ofJob('a')).late).toBe(0);
    await api.world.clock.advance(2_000);
    expect((await ofJob('a')).late).toBe(1);
    expect((await scrape()).get('carillon_jobs_late')?.value).toBe(1);
  });
});

describe('messages about alerts', () => {
  const received = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      [...(await scrape())].flatMap(([series, { value }]) =>
        series.startsWith('carillon_notification') && value > 0
          ? [[series.replace('carillon_', ''), value]]
          : [],
      ),
    );

  test('are counted by receiver, those that wait with the age of the oldest', async () => {
    expect(
      (await scrape()).get('carillon_notification_tries_total{receiver="pager",outcome="refused"}')?.value,
    ).toBe(0);
    api.world.refuses = (receiver) =>
      receiver === 'mail' ? new CarillonError('NOTIFICATION_REFUSED', 'no such user') : new Error('away');
    await put({ name: 'a', alerts: { to: ['pager', 'mail', 'nobody'] } });
    await api.post('/jobs/a/trigger', {});
    await end('a', 1);
    await api.world.clock.advance(10_000);
    expect(await received()).toEqual({
      'notifications{receiver="pager",state="waiting"}': 1,
      'notifications{receiver="mail",state="failed"}': 1,
      'notifications{receiver="",state="failed"}': 1,
      'notification_oldest_seconds{receiver="pager"}': 10,
      'notification_tries_total{receiver="pager",outcome="failed"}': 4,
      'notification_tries_total{receiver="mail",outcome="refused"}': 1,
      'notification_tries_total{receiver="",outcome="refused"}': 1,
    });
    api.world.refuses = () => null;
    await api.world.clock.advance(10_000);
    expect(await received()).toMatchObject({
      'notification_tries_total{receiver="pager",outcome="delivered"}': 1,
      'notification_tries_total{receiver="pager",outcome="failed"}': 4,
    });
  });
});

describe('which jobs', () => {
  const over = (most: number, ...labels: string[]): Promise<ApiWorld> =>
    ApiWorld.over(api.world, { metricsJobs: { most, labels } });
  const names = async (from: ApiWorld) => {
    const series = await scrape(from);
    const named = [...series.keys()].flatMap(
      (key) => /^carillon_job_late\{job_name="(.+)"\}/.exec(key)?.[1] ?? [],
    );
    return [named.join(), series.get('carillon_jobs_omitted')?.value];
  };

  test('are the first by name, of those with all labels; the others are counted', async () => {
    await put({ name: 'c', labels: { team: 'sales', tier: '1' } });
    await put({ name: 'a', labels: { team: 'sales', tier: '2' } });
    await put({ name: 'b', labels: { team: 'ops' } });
    expect(await names(await over(10))).toEqual(['a,b,c', 0]);
    expect(await names(await over(2))).toEqual(['a,b', 1]);
    expect(await names(await over(0))).toEqual(['', 3]);
    expect(await names(await over(10, 'team=sales'))).toEqual(['a,c', 1]);
    expect(await names(await over(10, 'team=sales', 'tier=1'))).toEqual(['c', 2]);
    expect(await names(await over(1, 'tier'))).toEqual(['a', 2]);
  });

  test('may have names that need escaping', async () => {
    await api.world.put({ name: 'a' });
    const [job] = [...api.world.scheduler.jobNames(null)].map((name) => api.world.scheduler.job(name));
    const named = { ...job, job: { ...job!.job, name: 'x "y" \\z' } };
    const other = await ApiWorld.over(api.world, settings, {
      reader: () => ({
        ...api.world.scheduler.reader(),
        *ranked() {
          return { count: 1, at: () => named as never, key: () => null, behind: () => 0 };
        },
      }),
    });
    expect((await scrape(other)).has('carillon_job_late{job_name="x \\"y\\" \\\\z"}')).toBe(true);
  });
});

describe('counters', () => {
  test('never go back when decisions are discarded that were not committed', async () => {
    await put({ name: 'a', schedule: minutely });
    await api.world.clock.advance(31_000);
    await end('a', 0);
    const committed = await scrape();
    await api.world.clock.advance(59_000);
    api.world.faults.delayMs = () => 5_000;
    api.world.faults.fail = () => new CarillonError('STORE_UNAVAILABLE', 'The disk is full.');
    await end('a', 0);
    const decided = await scrape();
    const outcome = 'carillon_job_outcomes_total{job_name="a",outcome="succeeded"}';
    expect([committed, decided].map((each) => each.get(outcome)?.value)).toEqual([1, 2]);
    await api.world.clock.advance(6_000);
    expect(api.world.scheduler.job('a').state.succeeded).toBe(1);
    expect(wentBack(decided, await scrape())).toEqual([]);
    api.world.faults.delayMs = () => 0;
    api.world.faults.fail = () => null;
    await api.world.clock.advance(5_000);
    const recovered = await scrape();
    expect(wentBack(decided, recovered)).toEqual([]);
    expect(recovered.get(outcome)?.value).toBe(2);
    expect(recovered.get('carillon_runs_ended_total{state="succeeded"}')?.value).toBe(2);
    expect(recovered.get('carillon_store_commit_failures_total')?.value).toBeGreaterThan(0);
  });

  test('of a job that was created again continue', async () => {
    await put({ name: 'a', schedule: minutely });
    await api.world.clock.advance(31_000);
    await end('a', 0);
    const before = await scrape();
    await api.send('DELETE /jobs/a');
    expect((await scrape()).get('carillon_jobs_omitted')?.value).toBe(0);
    await put({ name: 'a', schedule: minutely });
    expect(wentBack(before, await scrape())).toEqual([]);
  });
});
