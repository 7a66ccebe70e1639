import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiWorld, type Body } from '../../support/api-world.ts';

let api: ApiWorld;
beforeEach(async () => {
  api = await ApiWorld.at('2026-11-21T00:00:00Z');
  const { engine, clock } = api.world;
  const took: Record<string, number> = { quick: 100, slow: 3_000, flaky: 200 };
  engine.plan = ({ job }) =>
    job === 'stuck' ? null : { durationMs: took[job] ?? 500, exitCode: job === 'flaky' ? 1 : 0 };
  await api.post('/apply', [
    { name: 'quick', run, owner: 'ada', labels: { team: 'etl' }, schedule: { cron: '*/10 * * * *' } },
    { name: 'slow', run, schedule: { cron: '*/20 * * * *', timezone: 'Europe/Berlin' } },
    { name: 'flaky', run, schedule: { cron: '*/30 * * * *' }, description: 'Ends badly' },
    { name: 'stuck', run, schedule: { cron: '5 * * * *' } },
    { name: 'paused', run, schedule: { cron: '* * * * *' }, paused: true },
    { name: 'by-hand', run },
  ]);
  await clock.advance(61 * 60_000);
});
afterEach(() => api.close());

const run = { command: 'true' };
const list = (query: string): Promise<Body> => api.get(`/jobs?view=row&${query}`);
const names = async (query: string) => (await list(query)).items.map((row: Body) => row.name);

describe('GET /jobs in order of', () => {
  test.each([
    ['sort=name', 'by-hand flaky paused quick slow stuck'],
    ['sort=name&order=desc', 'stuck slow quick paused flaky by-hand'],
    // 01:05, 01:10, 01:20, 01:30; the others have none.
    ['sort=nextDue', 'stuck quick slow flaky by-hand paused'],
    ['sort=nextDue&order=desc', 'flaky slow quick stuck by-hand paused'],
    ['sort=p50', 'quick slow by-hand flaky paused stuck'],
    ['sort=p95&order=desc', 'slow quick by-hand flaky paused stuck'],
    ['sort=failures&order=desc', 'flaky by-hand paused quick slow stuck'],
    ['sort=last&order=desc', 'slow flaky quick by-hand paused stuck'],
    ['sort=state', 'flaky stuck by-hand quick slow paused'],
    ['sort=p95&order=desc&label=team', 'quick'],
    ['sort=name&state=late', 'stuck'],
    ['sort=nextDue&q=LY', 'flaky'],
  ])('%s', async (query, expected) => {
    // What is late is so by a run that hangs: it says by when it should have ended.
    await api.send('PUT /jobs/stuck', {
      body: { name: 'stuck', run, schedule: { cron: '5 * * * *' }, expect: { finishBy: '00:30' } },
    });
    expect((await names(query)).join(' ')).toBe(expected);
  });

  test('total counts what passes the filter, on the page or not', async () => {
    expect(await list('limit=2')).toMatchObject({ total: 6 });
    expect(await list('limit=1&state=active')).toMatchObject({ total: 5 });
    expect((await api.get('/jobs?q=nothing')).total).toBe(0);
  });

  test('an unknown order is refused with those there are', async () => {
    const answer = await api.send('GET /jobs?sort=size');
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ field: 'sort', code: 'INVALID_FIELD' });
    expect((await api.send('GET /jobs?sort=p95&cursor=bm8')).statusCode).toBe(400);
  });
});

describe('a row', () => {
  test('tells at one look how a job is doing', async () => {
    const [quick] = (await list('q=quick')).items;
    expect(quick).toMatchObject({
      name: 'quick',
      owner: 'ada',
      labels: { team: 'etl' },
      timezone: 'UTC',
      nextDue: '2026-11-21T01:10:00.000Z',
      status: 'active',
      running: 0,
      late: null,
      p50Ms: 100,
      p95Ms: 100,
    });
    expect(quick.recent.map((each: Body) => `${each.due.slice(11, 16)} ${each.state}`)).toEqual([
      '00:10 succeeded',
      '00:20 succeeded',
      '00:30 succeeded',
      '00:40 succeeded',
      '00:50 succeeded',
      '01:00 succeeded',
    ]);
  });

  test('shows the last twelve runs, and the newest as soon as it has ended', async () => {
    expect((await list('q=quick')).items[0].recent).toHaveLength(6);
    await api.world.clock.advance(2 * 3_600_000);
    const [quick] = (await list('q=quick')).items;
    expect(quick.recent).toHaveLength(12);
    expect(quick.recent.at(-1).due).toBe('2026-11-21T03:00:00.000Z');
  });

  test('says why a job is late', async () => {
    await api.send('PUT /jobs/stuck', {
      body: { name: 'stuck', run, schedule: { cron: '5 * * * *' }, expect: { finishBy: '00:30' } },
    });
    expect((await list('q=stuck')).items[0].late).toBe('should have ended by 00:30 UTC');
  });
});

test('any order pages through all jobs once, whatever runs between the pages', async () => {
  const many = Array.from({ length: 60 }, (_, n) => ({
    name: `m${String(n).padStart(2, '0')}`,
    run,
    schedule: { cron: `${n % 7} * * * *` },
  }));
  await api.post('/apply', many);
  const order = fc.record({
    sort: fc.constantFrom('name', 'nextDue', 'last', 'p50', 'p95', 'failures', 'state'),
    order: fc.constantFrom('asc', 'desc'),
    limit: fc.integer({ min: 1, max: 70 }),
  });
  await fc.assert(
    fc.asyncProperty(order, async ({ sort, order: direction, limit }) => {
      const seen: Body[] = [];
      let cursor = '';
      do {
        const page = await list(`sort=${sort}&order=${direction}&limit=${limit}${cursor}`);
        seen.push(...page.items);
        cursor = page.next === null ? '' : `&cursor=${page.next}`;
      } while (cursor !== '');
      const whole = (await list(`sort=${sort}&order=${direction}&limit=1000`)).items;
      expect(seen.map(({ name }) => name)).toEqual(whole.map(({ name }: Body) => name));
      expect(new Set(seen.map(({ name }) => name)).size).toBe(66);
      expectSorted(whole, sort, direction === 'desc');
    }),
    { numRuns: 40 },
  );
});

/** The order as a person would check it, from what the rows show. */
function expectSorted(rows: readonly Body[], sort: string, descending: boolean): void {
  const shown: Record<string, (row: Body) => string | number | null> = {
    name: (row) => row.name,
    nextDue: (row) => row.nextDue,
    p50: (row) => row.p50Ms,
    p95: (row) => row.p95Ms,
    failures: (row) => row.consecutiveFailures,
  };
  const key = shown[sort];
  if (key === undefined) return;
  const sorted = [...rows].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === y) return a.name < b.name ? -1 : 1;
    if (x === null || y === null) return x === null ? 1 : -1;
    return (x < y ? -1 : 1) * (descending ? -1 : 1);
  });
  expect(rows.map(({ name }) => name)).toEqual(sorted.map(({ name }) => name));
}

test('an order follows what happens between two looks', async () => {
  expect((await names('sort=failures&order=desc'))[0]).toBe('flaky');
  await api.post('/jobs/flaky/pause');
  expect((await names('sort=nextDue')).slice(-3)).toEqual(['by-hand', 'flaky', 'paused']);
  await api.post('/apply', [{ name: 'anew', run, schedule: { cron: '2 * * * *' } }]);
  expect((await names('sort=nextDue'))[0]).toBe('anew');
  await api.send('DELETE /jobs/anew');
  expect(await names('sort=nextDue')).not.toContain('anew');
});
