import { afterEach, describe, expect, test } from 'vitest';
import { ApiWorld, type Body } from '../support/api-world.ts';

let api: ApiWorld;
afterEach(() => api.close());

const nightly = { schedule: { cron: '0 2 * * *' }, run: { command: 'true' } };

async function worldWith(...jobs: object[]): Promise<void> {
  api = await ApiWorld.at('2026-01-10T12:00:00Z');
  await api.post('/apply', jobs);
}

/** `a 03 succeeded`: job, day and state of each step. */
const said = ({ steps }: Body): string[] =>
  steps.map((step: Body) => `${step.job} ${step.due.slice(8, 10)} ${step.state}`);

/** Lets runs end until the backfill has. */
async function ended(id: string): Promise<Body> {
  for (let i = 0; i < 100; i++) {
    const backfill = await api.get(`/backfills/${id}`);
    if (backfill.endedAt !== null) return backfill;
    for (const run of (await api.get(`/runs?state=running&state=launching`)).items) {
      api.world.engine.exit(run.attempts.at(-1).launchName, 0);
    }
    await api.world.clock.settle();
  }
  throw new Error(`${id} does not end`);
}

const range = { from: '2026-01-03', to: '2026-01-06' };

describe('POST /backfills', () => {
  test('a dry run lists due times in the order in which they run, and makes nothing', async () => {
    await worldWith(
      { name: 'a', ...nightly },
      { name: 'b', schedule: { after: { parents: ['a'] } }, run: nightly.run },
    );
    const plan = await api.post('/backfills?dryRun=true', { jobs: ['a'], ...range, downstream: true });
    expect(said(plan)).toEqual(['3', '4', '5'].flatMap((day) => [`a 0${day} waiting`, `b 0${day} waiting`]));
    expect(plan).toMatchObject({ dryRun: true, left: [], unfinished: 0, expectedMs: null });
    expect((await api.get('/backfills')).items).toEqual([]);
  });

  test('makes one, which says how far it is and ends', async () => {
    await worldWith({ name: 'a', ...nightly });
    const made = await api.post('/backfills', { jobs: ['a'], ...range, atOnce: 2 });
    expect(said(made)).toEqual(['a 03 running', 'a 04 running', 'a 05 waiting']);
    const { counts, state, endedAt } = await ended(made.id);
    expect([counts.steps, counts.succeeded, state, endedAt === null]).toEqual([3, 3, 'succeeded', false]);
    expect((await api.get('/backfills')).items.map((each: Body) => each.id)).toEqual([made.id]);
  });

  test('the same key gives the same backfill, also once it has ended', async () => {
    await worldWith({ name: 'a', ...nightly });
    const make = () => api.post('/backfills', { jobs: ['a'], ...range }, { 'idempotency-key': 'k' });
    const { id } = await make();
    expect((await make()).id).toBe(id);
    await ended(id);
    expect([(await make()).id, (await api.get('/backfills')).items.length]).toEqual([id, 1]);
  });

  test('a due time that was backfilled is so in the ledger, and is chosen by how that ended', async () => {
    await worldWith({ name: 'a', ...nightly });
    await ended((await api.post('/backfills', { jobs: ['a'], ...range })).id);
    const { items } = await api.get('/jobs/a/ledger');
    expect(items.map(({ from, end, state }: Body) => `${from.slice(8, 10)} ${end} ${state}`)).toEqual(
      ['03', '04', '05'].map((day) => `${day} backfilled succeeded`),
    );
    const never = { jobs: ['a'], from: '2026-01-01', to: '2026-01-08', only: ['never'] };
    expect(said(await api.post('/backfills?dryRun=true', never)).map((each) => each.slice(2, 4))).toEqual([
      '01',
      '02',
      '06',
      '07',
    ]);
  });

  test('a filter chooses jobs by label, and only what failed in them', async () => {
    await worldWith(
      { name: 'a', labels: { team: 'sales' }, ...nightly },
      { name: 'b', labels: { team: 'sales' }, ...nightly },
      { name: 'c', ...nightly },
    );
    await api.world.clock.advance(15 * 3_600_000);
    for (const run of (await api.get('/runs?state=running&state=launching')).items)
      api.world.engine.exit(run.attempts.at(-1).launchName, run.job === 'a' ? 1 : 0);
    await api.world.clock.settle();
    const plan = await api.post('/backfills?dryRun=true', {
      filter: { label: ['team=sales'] },
      from: '2026-01-11',
      only: ['failed'],
    });
    expect(said(plan)).toEqual(['a 11 waiting']);
  });

  test('one due time, and marked as succeeded', async () => {
    await worldWith({ name: 'a', ...nightly });
    const made = await api.post('/backfills', {
      jobs: ['a'],
      due: '2026-01-03T02:00:00Z',
      do: 'mark-succeeded',
    });
    await api.world.clock.settle();
    expect(said(await api.get(`/backfills/${made.id}`))).toEqual(['a 03 succeeded']);
    expect(api.world.engine.started.length).toBe(0);
  });

  test.each<[what: string, body: object, code: string, says: RegExp]>([
    ['neither jobs nor a filter', range, 'INVALID_FIELD', /jobs or for a filter/],
    ['no range', { jobs: ['a'] }, 'MISSING_FIELD', /from/],
    [
      'a range that ends before it begins',
      { jobs: ['a'], from: '2026-01-05', to: '2026-01-03' },
      'INVALID_FIELD',
      /later/,
    ],
    ['the future', { jobs: ['a'], from: '2026-01-05', to: '2026-02-03' }, 'INVALID_FIELD', /not come yet/],
    ['an unknown job', { jobs: ['x'], ...range }, 'JOB_NOT_FOUND', /'x'/],
    [
      'a range without a due time, naming the nearest',
      { jobs: ['a'], from: '2026-01-03T03:00:00Z', to: '2026-01-03T04:00:00Z' },
      'NO_DUE_TIMES',
      /2026-01-03T02:00:00.000Z and 2026-01-04T02:00:00.000Z/,
    ],
    ['nothing of that fate', { jobs: ['a'], ...range, only: ['missed'] }, 'NO_DUE_TIMES', /is missed/],
    ['a job without due times', { jobs: ['m'], ...range }, 'NO_DUE_TIMES', /no due times of its own/],
    ['too many at once', { jobs: ['a'], ...range, atOnce: 99 }, 'INVALID_FIELD', /1 to 16/],
  ])('refuses %s', async (_, body, code, says) => {
    await worldWith({ name: 'a', ...nightly }, { name: 'm', run: nightly.run });
    const answer = await api.send('POST /backfills', { body });
    expect([answer.json().code, JSON.stringify(answer.json())]).toEqual([code, expect.stringMatching(says)]);
  });
});

describe('POST /backfills/{id}/…', () => {
  test('pause, resume and cancel', async () => {
    await worldWith({ name: 'a', ...nightly });
    const { id } = await api.post('/backfills', { jobs: ['a'], ...range });
    expect((await api.post(`/backfills/${id}/pause`)).state).toBe('paused');
    expect((await api.post(`/backfills/${id}/resume`)).state).toBe('running');
    expect((await api.post(`/backfills/${id}/cancel`)).state).toBe('cancelling');
    const { state, counts } = await ended(id);
    expect([state, counts.succeeded, counts.waiting]).toEqual(['cancelled', 1, 2]);
    expect((await api.send(`POST /backfills/${id}/resume`)).json().code).toBe('BACKFILL_ENDED');
    expect((await api.send('POST /backfills/none/pause')).json().code).toBe('BACKFILL_NOT_FOUND');
    expect((await api.send('GET /backfills/none')).json().code).toBe('BACKFILL_NOT_FOUND');
  });
});
