import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiWorld, type Body } from '../../support/api-world.ts';

let api: ApiWorld;
beforeEach(async () => {
  api = await ApiWorld.at('2026-11-21T00:00:00Z');
});
afterEach(() => api.close());

const run = { command: 'true' };

/** All pages; `between` happens after each. */
async function pages(
  path: string,
  between: (page: number) => Promise<unknown> = async () => {},
): Promise<Body[]> {
  const items: Body[] = [];
  let cursor = '';
  for (let page = 0; ; page++) {
    const answer = await api.get(`${path}${cursor && `&cursor=${cursor}`}`);
    items.push(...answer.items);
    if (answer.next === null) return items;
    cursor = answer.next;
    await between(page);
  }
}

describe('jobs', () => {
  const names = async (query: string) => (await api.get(`/jobs?${query}`)).items.map((job: Body) => job.name);

  beforeEach(async () => {
    await api.post('/apply', [
      {
        name: 'etl-extract',
        run,
        owner: 'ada',
        labels: { team: 'etl', tier: '1' },
        schedule: { cron: '0 2 * * *' },
      },
      {
        name: 'etl-load',
        run,
        owner: 'ada',
        labels: { team: 'etl' },
        schedule: { after: { parents: ['etl-extract'] } },
      },
      {
        name: 'report',
        run,
        owner: 'bob',
        labels: { team: 'bi', formula: 'a=b' },
        description: 'Monthly Sales',
      },
      { name: 'once', run, schedule: { at: '2026-11-21T00:00:30Z' } },
      { name: 'resting', run, paused: true },
    ]);
  });

  test.each([
    ['', ['etl-extract', 'etl-load', 'once', 'report', 'resting']],
    ['q=etl', ['etl-extract', 'etl-load']],
    ['q=SALES', ['report']],
    ['q=bob', ['report']],
    ['label=team', ['etl-extract', 'etl-load', 'report']],
    ['label=team%3Detl', ['etl-extract', 'etl-load']],
    ['label=team%3Detl&label=tier', ['etl-extract']],
    ['label=formula%3Da%3Db', ['report']],
    ['label=toString', []],
    ['owner=ada', ['etl-extract', 'etl-load']],
    ['owner=ad', []],
    ['state=paused', ['resting']],
    ['state=paused&state=active', ['etl-extract', 'etl-load', 'once', 'report', 'resting']],
    ['state=running', []],
    ['state=paused&owner=ada', []],
  ])('GET /jobs?%s', async (query, expected) => {
    expect(await names(query)).toEqual(expected);
  });

  test('by what their runs do: running, failing, completed', async () => {
    await api.world.clock.advance(31_000);
    expect(await names('state=running')).toEqual(['once']);
    expect(await names('state=completed')).toEqual(['once']);
    api.world.engine.exit(api.world.engine.newest('once'), 1);
    await api.world.clock.advance(1_000);
    expect(await names('state=running')).toEqual([]);
    expect(await names('state=failing')).toEqual(['once']);
  });

  test('pages never repeat or leave out a job while others come and go', async () => {
    const stay = Array.from({ length: 1_200 }, (_, n) => `s${String(n).padStart(4, '0')}`);
    const come = (from: number) =>
      Array.from({ length: 10 }, (_, n) => ({
        name: `s${String((from * 97 + n * 131) % 1_200).padStart(4, '0')}-new`,
        run,
      }));
    await api.post(
      '/apply',
      stay.map((name) => ({ name, run, labels: { kind: 'stays' } })),
    );
    const seen = await pages('/jobs?q=s&limit=100', async (page) => {
      await api.post('/apply', come(page));
      await api.send(`DELETE /jobs/s${String((page * 97) % 1_200).padStart(4, '0')}-new`);
    });
    const stayed = seen.filter((job) => job.definition.labels?.kind === 'stays').map((job) => job.name);
    expect(stayed).toEqual(stay);
    expect(new Set(seen.map((job) => job.name)).size).toBe(seen.length);
  });

  test('a page that ends exactly at the end has no next', async () => {
    expect(await api.get('/jobs?limit=5')).toMatchObject({ next: null });
    expect((await api.get('/jobs?limit=4')).next).not.toBeNull();
  });
});

describe('runs', () => {
  const ids = (items: Body[]) => items.map((each) => each.id);

  test('unfinished and past ones are one list, newest due first', async () => {
    const { engine, clock } = api.world;
    engine.plan = (spec) => (spec.job === 'quick' ? { durationMs: 1_000, exitCode: 0 } : null);
    await api.post('/apply', [
      { name: 'quick', run, schedule: { cron: '* * * * *' } },
      { name: 'slow', run, schedule: { cron: '*/2 * * * *' }, policy: { overlap: 'allow' } },
    ]);
    await clock.advance(5.5 * 60_000);
    const whole = (await api.get('/runs')).items;
    expect(whole.map((each: Body) => `${each.job} ${each.due.slice(14, 16)} ${each.state}`)).toEqual([
      'quick 05 succeeded',
      'slow 04 running',
      'quick 04 succeeded',
      'quick 03 succeeded',
      'slow 02 running',
      'quick 02 succeeded',
      'quick 01 succeeded',
    ]);
    for (const limit of [1, 2, 3, 7]) expect(ids(await pages(`/runs?limit=${limit}`))).toEqual(ids(whole));
    expect(ids((await api.get('/jobs/slow/runs')).items)).toEqual(
      ids((await api.get('/runs?job=slow')).items),
    );
    expect((await api.get('/runs?state=running')).items).toHaveLength(2);
    expect((await api.get('/runs?state=succeeded,failed')).items).toHaveLength(5);
    expect((await api.get('/runs?state=running&state=succeeded&job=quick')).items).toHaveLength(5);
    const some = await api.get('/runs?from=2026-11-21T00:02:00Z&to=2026-11-21T00:04:00Z');
    expect(ids(some.items)).toEqual(ids(whole.slice(3, 6)));
  });

  test.each([1, 2, 7, 50])(
    'pages of %d never repeat or leave out a run that ends meanwhile',
    async (limit) => {
      const { engine, clock } = api.world;
      // Forty runs of one due instant, and some before: ties are where cursors go wrong.
      const jobs = Array.from({ length: 40 }, (_, n) => ({
        name: `j${n}`,
        run,
        schedule: { cron: '*/5 * * * *' },
      }));
      await api.post('/apply', jobs);
      await clock.advance(6 * 60_000);
      for (const { job, launchName } of [...engine.started])
        if (job.endsWith('1')) engine.exit(launchName, 0);
      await clock.advance(5 * 60_000);
      const before = new Set(ids(await pages('/runs?limit=1000')));
      // Forty of the first instant; of the second four run, and the others were skipped.
      expect(before.size).toBe(80);
      const open = engine.started.filter(
        ({ launchName }) => engine.held.get(launchName)?.report.state === 'running',
      );
      const seen = await pages(`/runs?limit=${limit}`, async (page) => {
        for (const { launchName } of open.slice(page * 3, page * 3 + 3)) engine.exit(launchName, 0);
        await clock.settle();
      });
      expect(seen.length).toBe(new Set(ids(seen)).size);
      expect(new Set(ids(seen))).toEqual(before);
    },
  );
});
