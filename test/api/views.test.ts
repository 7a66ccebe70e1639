import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiWorld, type Body } from '../support/api-world.ts';
import { seriesIn } from '../support/scraped.ts';

let api: ApiWorld;
beforeEach(async () => {
  api = await ApiWorld.at('2026-11-21T00:00:00Z');
});
afterEach(() => api.close());

const run = { command: 'true' };

describe('previewing a schedule', () => {
  test.each<[Body, string[], boolean]>([
    [{ cron: '0 2 * * *', count: 2 }, ['2026-11-21T02:00:00.000Z', '2026-11-22T02:00:00.000Z'], false],
    [
      { cron: '30 2 * * *', timezone: 'Europe/Berlin', after: '2027-03-27T12:00:00Z', count: 1 },
      ['2027-03-28T01:00:00.000Z'],
      false,
    ],
    [{ cron: '0 2 * * *', after: '2026-11-21T02:00:00Z', count: 1 }, ['2026-11-22T02:00:00.000Z'], false],
    [
      { cron: '0 2 * * *', until: '2026-11-22T02:00:00Z' },
      ['2026-11-21T02:00:00.000Z', '2026-11-22T02:00:00.000Z'],
      true,
    ],
    [
      { every: 'R2/2026-12-01T00:00:00Z/PT1H' },
      ['2026-12-01T00:00:00.000Z', '2026-12-01T01:00:00.000Z'],
      true,
    ],
    [
      { every: 'R2/2026-12-01T00:00:00Z/PT1H', count: 2 },
      ['2026-12-01T00:00:00.000Z', '2026-12-01T01:00:00.000Z'],
      true,
    ],
    [{ every: 'PT5S', after: '2026-01-01T00:00:00Z', count: 1 }, ['2026-01-01T00:00:05.000Z'], false],
    [{ at: '2026-12-01T00:00:00+01:00' }, ['2026-11-30T23:00:00.000Z'], true],
    [{ at: '2020-01-01T00:00:00Z' }, [], true],
    [{ every: 'R1//PT1M', until: '2026-11-20T00:00:00Z' }, [], true],
    [{ every: 'PT1H', count: 1 }, ['2026-11-21T00:00:00.000Z'], false],
  ])('%j', async (asked, instants, complete) => {
    expect(await api.post('/schedules/preview', asked)).toMatchObject({ instants, complete });
  });

  test('warns of what is allowed and probably not meant, and describes it', async () => {
    const answer = await api.post('/schedules/preview', { at: '2020-01-01T00:00:00Z' });
    expect(answer.warnings).toEqual([
      'the due time 2020-01-01T00:00:00.000Z has passed: one run starts at once to catch up (policy.catchUp: latest); no due time follows',
    ]);
    expect(answer.scheduleText).not.toBe('');
  });

  describe('shows before what happens: the preview, the dry run and the job agree with the runs', () => {
    const hourly = { cron: '0 * * * *' };
    const now = '2026-11-21T00:00:00.000Z';
    const starts = `the due time ${now} is now: one run starts at once`;
    test.each<[string, Body, { before?: Body; more?: Body; first: string; said?: string[] }]>([
      ['a duration', { every: 'PT1H' }, { first: now, said: [starts] }],
      ['a number of runs', { every: 'R2//PT1H' }, { first: now, said: [starts] }],
      ['one run', { every: 'R1//PT1H' }, { first: now, said: [`${starts}; no due time follows`] }],
      ['a period of days', { every: 'P1D', timezone: 'Europe/Berlin' }, { first: now, said: [starts] }],
      ['a macro', { cron: '@every 3s' }, { first: now, said: [starts] }],
      [
        'a start that has just come',
        { every: 'R/2026-11-20T23:59:58Z/PT1H' },
        {
          first: '2026-11-20T23:59:58.000Z',
          said: ['the due time 2026-11-20T23:59:58.000Z is now: one run starts at once'],
        },
      ],
      ['a start to come', { every: 'R/2026-11-21T00:30:00Z/PT1H' }, { first: '2026-11-21T00:30:00.000Z' }],
      ['cron that is due now', hourly, { first: '2026-11-21T01:00:00.000Z' }],
      [
        'an edit to a duration',
        { every: 'PT1H' },
        { before: { cron: '30 2 * * *' }, first: now, said: [starts] },
      ],
      [
        'an edit to a duration when the old schedule has just run',
        { every: 'PT1H' },
        { before: hourly, first: '2026-11-21T01:00:00.000Z' },
      ],
      [
        'an edit to a grid with a due time now',
        { every: 'R/2026-11-20T00:00:00Z/PT1H' },
        {
          before: hourly,
          first: '2026-11-21T01:00:00.000Z',
        },
      ],
      [
        'an edit of another field',
        { every: 'PT1H' },
        {
          before: { every: 'PT1H' },
          first: '2026-11-21T00:50:00.000Z',
        },
      ],
      [
        'nothing changed',
        { every: 'PT1H' },
        {
          before: { every: 'PT1H' },
          more: {},
          first: '2026-11-21T00:50:00.000Z',
        },
      ],
    ])('%s', async (_, schedule, { before, more = { description: 'new' }, first, said = [] }) => {
      const job = { name: 'a', run, schedule, ...more };
      if (before !== undefined) {
        await api.close();
        api = await ApiWorld.at('2026-11-20T23:50:00Z');
        await api.post('/jobs', { name: 'a', run, schedule: before });
        await api.world.clock.advance(Date.parse(now) - api.world.clock.now());
      }
      const earlier = new Set((await api.get('/runs?job=a')).items.map(({ id }: Body) => id));
      const preview = await api.post('/schedules/preview', { ...schedule, name: 'a', count: 1 });
      const dry = (await api.post('/apply?dryRun=true', [job])).results[0];
      const answer = await api.send('PUT /jobs/a', { body: job });
      const begun = (await api.get('/runs?job=a')).items.filter(({ id }: Body) => !earlier.has(id));
      expect(preview).toMatchObject({ instants: [first], warnings: said });
      expect(dry.warnings).toEqual(said);
      expect(answer.json().warnings).toEqual(said);
      expect(begun.map(({ due }: Body) => due)).toEqual(said.length === 0 ? [] : [first]);
    });
  });

  test('next of a job: even if paused, and none without a time schedule', async () => {
    await api.post('/jobs', { name: 'a', run, schedule: { cron: '0 * * * *' }, paused: true });
    await api.post('/jobs', { name: 'b', run });
    expect((await api.get('/jobs/a/next?count=1000')).instants).toHaveLength(1_000);
    expect((await api.get('/jobs/a/next?count=1&after=2027-01-01')).instants).toEqual([
      '2027-01-01T01:00:00.000Z',
    ]);
    expect(await api.get('/jobs/b/next')).toEqual({
      job: 'b',
      instants: [],
      excluded: [],
      complete: true,
      scheduleText: 'manual',
      clockChanges: [],
    });
  });
});

describe('the graph', () => {
  const behind = (...parents: string[]) => ({ after: { parents } });
  beforeEach(() =>
    api.post('/apply', [
      { name: 'a', run, schedule: { cron: '0 2 * * *' }, labels: { team: 'x' } },
      { name: 'b', run, schedule: behind('a') },
      { name: 'c', run, schedule: behind('a'), labels: { team: 'x' } },
      { name: 'd', run, schedule: behind('b', 'c'), labels: { team: 'x' } },
      { name: 'alone', run },
    ]),
  );
  const edges = (answer: Body) => answer.edges.map(({ from, to }: Body) => `${from}>${to}`);
  const nodes = (answer: Body) => answer.nodes.map(({ name }: Body) => name).join(' ');

  test.each([
    ['', 'a alone b c d', ['a>b', 'a>c', 'b>d', 'c>d']],
    ['?linked=true', 'a b c d', ['a>b', 'a>c', 'b>d', 'c>d']],
    ['?job=b', 'a b d', ['a>b', 'b>d']],
    ['?job=alone', 'alone', []],
    ['?label=team%3Dx', 'a c d', ['a>c', 'c>d']],
    ['?label=team%3Dx&job=b', 'a d', []],
  ])('GET /graph%s', async (query, names, links) => {
    const answer = await api.get(`/graph${query}`);
    expect([nodes(answer), edges(answer)]).toEqual([names, links]);
  });

  test('nodes tell what is going on', async () => {
    await api.post('/jobs/a/trigger');
    await api.world.clock.settle();
    const [a, , b] = (await api.get('/graph')).nodes;
    expect(a).toMatchObject({ kind: 'time', running: 1, status: 'active', last: null });
    expect(b).toMatchObject({ kind: 'after', running: 0 });
    expect(await api.get('/graph.dot?job=b')).toBe(
      'digraph G {\n  "a" [label="a", class="1 running"];\n  "b" [label="b", class="idle"];\n' +
        '  "d" [label="d", class="idle"];\n  "a" -> "b";\n  "b" -> "d";\n}\n',
    );
  });
});

describe('statistics', () => {
  beforeEach(async () => {
    const { engine, clock } = api.world;
    engine.plan = (spec) => ({ durationMs: spec.job === 'slow' ? 3_000 : 100, exitCode: 0 });
    await api.post('/apply', [
      { name: 'quick', run, schedule: { cron: '*/30 * * * *' } },
      { name: 'slow', run, schedule: { cron: '*/30 * * * *' } },
      { name: 'idle', run },
    ]);
    // 47 instants of the 21st, from midnight of the 22nd three more.
    await clock.advance(25 * 3_600_000 + 60_000);
  });

  test('of a job: all-time, of a span of days, and by day', async () => {
    const all = await api.get('/jobs/quick/stats');
    expect(all).toMatchObject({
      job: 'quick',
      from: null,
      to: null,
      runTime: { count: 50, p50: 100, max: 100 },
    });
    expect(all.startLateness.count).toBe(50);
    expect(all.failedRunTime).toMatchObject({ count: 0, p50: null });
    expect(all.days.map(({ day, runTime }: Body) => `${day} ${runTime.count}`)).toEqual([
      '2026-11-21 47',
      '2026-11-22 3',
    ]);
    const first = await api.get('/jobs/quick/stats?from=2026-11-21&to=2026-11-21');
    expect(first).toMatchObject({ from: '2026-11-21', to: '2026-11-21', runTime: { count: 47 } });
    expect((await api.get('/jobs/quick/stats?from=2026-11-22')).runTime.count).toBe(3);
    expect((await api.get('/jobs/idle/stats')).runTime.count).toBe(0);
  });

  test('of all jobs: largest first, bounded, with what all have together', async () => {
    const stats = await api.get('/stats?percentile=99.9');
    expect(stats.items.map(({ job }: Body) => job)).toEqual(['slow', 'quick']);
    expect(stats.items[0].valueMs).toBeGreaterThan(2_900);
    expect(stats.all).toMatchObject({ count: 100, p50: 100 });
    expect((await api.get('/stats?limit=1')).items).toHaveLength(1);
    expect((await api.get('/stats?measure=failedRunTime')).items).toEqual([]);
  });

  test('start lateness counts a rerun and its children from when they could start', async () => {
    await api.post('/jobs', { name: 'child', run, schedule: { after: { parents: ['quick'] } } });
    const [yesterday] = (await api.get('/jobs/quick/runs?to=2026-11-21T02:00:00Z&limit=1')).items;
    const rerun = await api.post(`/runs/${yesterday.id}/rerun`);
    await api.world.clock.advance(60_000);
    const [child] = (await api.get('/jobs/child/runs')).items;
    expect([child.state, child.due]).toEqual(['succeeded', yesterday.due]);
    const text: string = await api.get('//metrics');
    expect(text).toContain('carillon_start_lateness_seconds_count 102\n');
    expect(text).toContain('carillon_start_lateness_seconds_bucket{le="1"} 102\n');
    const { bars } = await api.get(`/timeline?from=2026-11-21T00:00:00Z&to=2026-11-21T03:00:00Z`);
    const ready = new Map(bars.map((bar: Body) => [bar.run, bar.ready]));
    expect([ready.get(yesterday.id), ready.get(rerun.id), ready.get(child.id)]).toEqual([
      yesterday.due,
      rerun.createdAt,
      child.createdAt,
    ]);
  });

  test('metrics count runs by how they ended', async () => {
    const text: string = await api.get('//metrics');
    expect(text).toContain('carillon_jobs{status="active"} 3\n');
    expect(text).toContain('carillon_leader 1\n');
    expect(text).toContain('carillon_runs_ended_total{state="succeeded"} 100\n');
    expect(text).toContain('carillon_start_lateness_seconds_bucket{le="+Inf"} 100\n');
    expect(text).toContain('carillon_start_lateness_seconds_count 100\n');
    expect(text).toContain('carillon_start_lateness_seconds_bucket{le="0.001"} ');
    expect(() => seriesIn(text)).not.toThrow();
  });
});
