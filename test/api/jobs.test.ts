import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiWorld } from '../support/api-world.ts';

let api: ApiWorld;
beforeEach(async () => {
  api = await ApiWorld.at('2026-11-21T00:00:00Z');
});
afterEach(() => api.close());

const run = { command: 'true' };
const nightly = { name: 'nightly', schedule: { cron: '0 2 * * *' }, run };

describe('creating', () => {
  test('answers 201 with the job and its address', async () => {
    const response = await api.send('POST /jobs', { body: nightly, headers: { 'test-name': 'ada' } });
    expect(response.statusCode).toBe(201);
    expect(response.headers.location).toBe('/api/v1/jobs/nightly');
    expect(response.json()).toMatchObject({
      name: 'nightly',
      definition: nightly,
      revision: 1,
      updatedBy: 'ada',
      outcome: 'created',
      status: 'active',
      scheduleText: 'at 02:00 every day (UTC)',
      nextDue: '2026-11-21T02:00:00.000Z',
      counts: { succeeded: 0, consecutiveFailures: 0 },
    });
    expect(await api.get('/jobs/nightly')).toEqual({
      ...response.json(),
      outcome: undefined,
      warnings: undefined,
      may: ['read', 'logs', 'env', 'secrets', 'operate', 'edit', 'admin'],
    });
  });

  test('takes YAML', async () => {
    const body = 'name: y\nrun:\n  command: "true"\n';
    const response = await api.send('POST /jobs', { body, headers: { 'content-type': 'application/yaml' } });
    expect(response.statusCode).toBe(201);
    expect((await api.get('/jobs/y')).definition).toEqual({ name: 'y', run });
  });

  test('refuses a name that exists and leaves the job as it was', async () => {
    await api.post('/jobs', nightly);
    const response = await api.send('POST /jobs', { body: { ...nightly, owner: 'other' } });
    expect(response.statusCode).toBe(409);
    expect(response.json()).toMatchObject({ code: 'JOB_EXISTS', value: 'nightly' });
    expect((await api.get('/jobs/nightly')).revision).toBe(1);
  });
});

describe('replacing', () => {
  test('creates with 201, changes and leaves unchanged with 200', async () => {
    const put = async (owner: string) => {
      const response = await api.send('PUT /jobs/nightly', { body: { ...nightly, owner } });
      return [response.statusCode, response.json().outcome, response.json().revision];
    };
    expect(await put('a')).toEqual([201, 'created', 1]);
    expect(await put('b')).toEqual([200, 'changed', 2]);
    expect(await put('b')).toEqual([200, 'unchanged', 2]);
  });

  test('takes the name from the path and refuses another in the body', async () => {
    expect((await api.send('PUT /jobs/a', { body: { run } })).json().definition).toEqual({ name: 'a', run });
    const response = await api.send('PUT /jobs/a', { body: { name: 'b', run } });
    expect(response.json()).toMatchObject({ code: 'INVALID_FIELD', field: 'name', value: 'b', allowed: 'a' });
  });

  test.each([
    ['"1"', 200],
    ['W/"1"', 200],
    ['1', 200],
    ['*', 200],
    ['"2"', 409],
    ['"0"', 409],
    ['"one"', 400],
  ])('with If-Match %s at revision 1 answers %d', async (match, status) => {
    await api.post('/jobs', nightly);
    const response = await api.send('PUT /jobs/nightly', {
      body: { ...nightly, owner: 'new' },
      headers: { 'if-match': match },
    });
    expect(response.statusCode).toBe(status);
    if (status === 409) expect(response.json().code).toBe('REVISION_CONFLICT');
    expect((await api.get('/jobs/nightly')).revision).toBe(status === 200 ? 2 : 1);
  });

  test('shows the revision as ETag', async () => {
    await api.post('/jobs', nightly);
    expect((await api.send('GET /jobs/nightly')).headers.etag).toBe('"1"');
  });
});

describe('pausing', () => {
  test('names who paused it and has no next due instant until resumed', async () => {
    await api.post('/jobs', nightly);
    expect(await api.post('/jobs/nightly/pause', undefined, { 'test-name': 'ada' })).toMatchObject({
      status: 'paused',
      statusReason: 'paused by ada',
      paused: { at: '2026-11-21T00:00:00.100Z', by: 'ada' },
      nextDue: null,
    });
    expect(await api.post('/jobs/nightly/resume')).toMatchObject({
      status: 'active',
      paused: null,
      nextDue: '2026-11-21T02:00:00.000Z',
    });
  });

  test('says until when, and ends by itself then', async () => {
    await api.post('/jobs', nightly);
    const until = '2026-11-21T01:00:00.000Z';
    expect(await api.post(`/jobs/nightly/pause?until=${until}`)).toMatchObject({
      status: 'paused',
      statusReason: expect.stringMatching(/^paused by .* until 2026-11-21T01:00:00\.000Z$/),
      paused: { until },
    });
    await api.world.clock.advance(3_600_000);
    expect(await api.get('/jobs/nightly')).toMatchObject({ status: 'active', paused: null });
  });
});

describe('deleting', () => {
  beforeEach(async () => {
    await api.post('/jobs', nightly);
    await api.post('/jobs', { name: 'child', schedule: { after: { parents: ['nightly'] } }, run });
  });

  test('a parent is refused with the names of its children', async () => {
    const response = await api.send('DELETE /jobs/nightly');
    expect(response.statusCode).toBe(409);
    expect(response.json()).toMatchObject({ code: 'JOB_HAS_DEPENDENTS', names: ['child'] });
  });

  test('cascade deletes the children too', async () => {
    const answer = (await api.send('DELETE /jobs/nightly?dependents=cascade')).json();
    expect(answer).toEqual({ deleted: ['nightly', 'child'], detached: [] });
    expect((await api.send('GET /jobs/child')).statusCode).toBe(404);
  });

  test('detach keeps the children', async () => {
    const answer = (await api.send('DELETE /jobs/nightly?dependents=detach')).json();
    expect(answer).toEqual({ deleted: ['nightly'], detached: ['child'] });
    expect((await api.get('/jobs/child')).parents).toEqual([]);
  });
});

describe('the past of a job', () => {
  test('keeps revisions that can be compared and restored', async () => {
    await api.post('/jobs', { ...nightly, labels: { team: 'a' }, policy: { retries: { limit: 1 } } });
    await api.send('PUT /jobs/nightly', {
      body: { ...nightly, labels: { team: 'a' }, policy: { retries: { limit: 2 } } },
    });
    await api.send('PUT /jobs/nightly', { body: { ...nightly, labels: { team: 'a' } } });

    const { items } = await api.get('/jobs/nightly/revisions');
    expect(items.map(({ revision }: { revision: number }) => revision)).toEqual([3, 2, 1]);
    expect((await api.get('/jobs/nightly/revisions/2')).definition.policy).toEqual({ retries: { limit: 2 } });
    expect((await api.get('/jobs/nightly/diff?from=1&to=2')).changes).toEqual([
      { path: 'policy.retries.limit', before: 1, after: 2 },
    ]);
    expect((await api.get('/jobs/nightly/diff?from=2&to=3')).changes).toEqual([
      { path: 'policy', before: { retries: { limit: 2 } }, after: null },
    ]);
    expect(await api.post('/jobs/nightly/revisions/1/restore')).toMatchObject({
      outcome: 'changed',
      revision: 4,
      definition: { policy: { retries: { limit: 1 } } },
    });
  });

  test('a deleted job comes back by restoring, and its deletion cannot be restored', async () => {
    await api.post('/jobs', nightly);
    await api.send('DELETE /jobs/nightly');
    const { items } = await api.get('/jobs/nightly/revisions');
    const deletion = items.find((each: { definition: unknown }) => each.definition === null);
    const refused = await api.send(`POST /jobs/nightly/revisions/${deletion.revision}/restore`);
    expect(refused.json().code).toBe('REVISION_NOT_FOUND');
    expect((await api.post('/jobs/nightly/revisions/1/restore')).outcome).toBe('created');
  });

  test('the ledger pages through what became of each due instant', async () => {
    api.world.engine.plan = () => ({ durationMs: 1_000, exitCode: 0 });
    await api.post('/jobs', { name: 'often', schedule: { cron: '* * * * *' }, run });
    await api.world.clock.advance(10.5 * 60_000);
    const whole = (await api.get('/jobs/often/ledger')).items;
    expect(whole).toHaveLength(10);
    expect(whole[0]).toMatchObject({ job: 'often', from: '2026-11-21T00:01:00.000Z', count: 1, end: 'ran' });

    const paged = [];
    for (let next: string | null = ''; next !== null; ) {
      const page: { items: unknown[]; next: string | null } = await api.get(
        `/jobs/often/ledger?limit=3${next && `&cursor=${next}`}`,
      );
      paged.push(...page.items);
      next = page.next;
    }
    expect(paged).toEqual(whole);
    const part = await api.get('/jobs/often/ledger?from=2026-11-21T00:03:00Z&to=2026-11-21T00:05:00Z');
    expect(part.items.map(({ from }: { from: string }) => from.slice(11, 16))).toEqual(['00:03', '00:04']);
  });

  test('the ledger no longer has what a clock passed over that went astray', async () => {
    const { world } = api;
    world.engine.plan = () => ({ durationMs: 1_000, exitCode: 0 });
    await api.post('/jobs', { name: 'often', schedule: { cron: '0 * * * *' }, run });
    const said = async () =>
      (await api.get('/jobs/often/ledger?to=2026-11-23T00:00:00Z')).items.map(
        ({ from, end, count }: Record<string, string>) => `${from?.slice(8, 16)} ${end} ${count}`,
      );
    world.clock.step(86_400_000);
    await world.clock.advance(5_000);
    expect(await said()).toEqual(['21T01:00 caught-up 23', '22T00:00 ran 1']);
    world.clock.step(-86_400_000);
    await world.clock.advance(5_000);
    expect(await said()).toEqual(['22T00:00 ran 1']);
    await world.clock.advance(2 * 3_600_000);
    expect(await said()).toEqual(['21T01:00 ran 1', '21T02:00 ran 1', '22T00:00 ran 1']);
  });

  test('the ledger says how each run ended, and how the run ended that caught up', async () => {
    const { world } = api;
    let attempts = 0;
    world.engine.plan = () => ({ durationMs: 1_000, exitCode: attempts++ % 2 === 0 ? 0 : 3 });
    await api.post('/jobs', { name: 'often', schedule: { cron: '* * * * *' }, run });
    await world.clock.advance(2.5 * 60_000);
    // Nothing is decided while the clock jumps: the run of 00:10 stands for the minutes before it.
    world.clock.step(8 * 60_000);
    await world.clock.advance(1_000);
    const said = async (query = '') =>
      (await api.get(`/jobs/often/ledger${query}`)).items.map(
        ({ from, end, state, reason }: Record<string, string>) =>
          [from?.slice(11, 16), end, state, reason].join(' ').trim(),
      );
    expect((await said()).at(-1)).toBe('00:03 caught-up');
    await world.clock.advance(1_500);
    const whole = [
      '00:01 ran succeeded',
      '00:02 ran failed exit code 3',
      '00:03 caught-up succeeded',
      '00:10 ran succeeded',
    ];
    expect(await said()).toEqual(whole);
    // The run's own line lies behind the page.
    expect(await said('?to=2026-11-21T00:09:00Z')).toEqual(whole.slice(0, 3));
  });
});
