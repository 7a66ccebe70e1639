/** Credentials in the addresses of jobs: no answer shows them, and sending back an answer keeps them. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiWorld, type Body, type Document } from '../support/api-world.ts';

let api: ApiWorld;
beforeEach(async () => {
  api = await ApiWorld.at('2026-11-21T00:00:00Z');
});
afterEach(() => api.close());

const uri = 'https://ann:s3cret@files.example/tool.tgz?token=s3cret&v=1';
const shownUri = 'https://***@files.example/tool.tgz?token=***&v=1';
const native = {
  name: 'native',
  description: uri,
  owner: uri,
  labels: { runbook: uri },
  schedule: { cron: '0 2 * * *' },
  run: { argv: ['get', uri], fetch: [{ uri }] },
  alerts: { on: ['failed'], to: [uri] },
};
const sentByChronos = {
  command: 'x',
  schedule: 'R/2026-12-01T02:00:00Z/PT24H',
  owner: uri,
  description: uri,
};
const paths = ['//v1/scheduler', '//scheduler'];
const stored = (name: string): Body => api.world.scheduler.job(name).job;

async function fill(): Promise<void> {
  await api.post('/jobs', native);
  await api.send('PUT /jobs/native', { body: { ...native, paused: false, policy: { priority: 1 } } });
  await api.post('//v1/scheduler/iso8601', {
    ...sentByChronos,
    name: 'uris',
    uris: [uri, uri.replace('https', 'hdfs')],
  });
  await api.post('//v1/scheduler/iso8601', {
    ...sentByChronos,
    name: 'fetches',
    fetch: [{ uri, output_file: 'x' }],
    executor: uri,
  });
}

test('no answer of any route shows them', async () => {
  await fill();
  const { id } = await api.post('/jobs/native/trigger');
  const documented = Object.entries((api.app.swagger() as unknown as Document).paths)
    .filter(([path, operations]) => 'get' in operations && !/backup|events|openapi/.test(path))
    .map(([path]) => `/${path}`);
  const ofChronos = ['/jobs', '/jobs/search?any=job', '/jobs/search?name=s', '/jobs/summary', '/job/{name}']
    .concat(['/job/stat/{name}', '/graph/csv', '/graph/dot', '/stats/count'])
    .flatMap((path) => paths.map((prefix) => `${prefix}${path}`));
  const found: string[] = [];
  for (const name of ['native', 'uris', 'fetches']) {
    for (const path of [...documented, ...ofChronos]) {
      const asked = path.replace('{name}', name).replace('{number}', '1').replace('{id}', id);
      for (const query of ['', 'view=row', 'sort=failures', 'from=1&to=2', 'q=files', 'by=failures']) {
        const answer = await api.send(`GET ${asked}${asked.includes('?') ? '&' : '?'}${query}`);
        if (answer.body.includes('s3cret')) found.push(asked);
      }
    }
  }
  expect(found).toEqual([]);
  expect((await api.get('/jobs/native')).definition.run.fetch).toEqual([{ uri: shownUri }]);
  expect(documented.length).toBeGreaterThan(20);
});

test('no answer to a change shows them, and no refusal', async () => {
  await fill();
  const bad = {
    ...native,
    run: { ...native.run, fetch: [{ uri: `x${uri}` }] },
    owner: `${uri}&${'x'.repeat(5_000)}`,
  };
  const answers = [
    await api.send('PUT /jobs/native', { body: { ...native, owner: 'ann' } }),
    await api.send('POST /apply', { body: [{ ...native, owner: 'bob' }, { ...native, name: 'b' }, bad] }),
    await api.send('POST /apply?dryRun=true&prune=true', { body: [{ ...native, name: 'b' }] }),
    await api.send('PUT /jobs/native', { body: bad }),
    await api.send('PUT /jobs/native', { body: { ...native, run: { fetch: uri } } }),
    await api.send('PUT /jobs/native', { body: { ...native, schedule: { cron: uri } } }),
    await api.send('POST /jobs/native/pause'),
    await api.send('POST //v1/scheduler/iso8601', {
      body: { ...sentByChronos, name: 'both', uris: [uri], fetch: [{ uri: `${uri}2` }] },
    }),
  ];
  for (const answer of answers) expect(answer.body).not.toContain('s3cret');
});

test('a difference in nothing but a credential is a change whose credentials are not shown', async () => {
  await api.post('/jobs', native);
  const run = { ...native.run, fetch: [{ uri: uri.replace('s3cret@', 'other@') }] };
  await api.send('PUT /jobs/native', { body: { ...native, run } });
  expect((await api.get('/jobs/native/diff?from=1&to=2')).changes).toEqual([
    { path: 'run.fetch', before: [{ uri: shownUri }], after: [{ uri: shownUri }] },
  ]);
});

describe('sending back what was read', () => {
  beforeEach(fill);

  test('makes no new revision', async () => {
    for (const name of ['native', 'uris', 'fetches']) {
      const { definition } = await api.get(`/jobs/${name}`);
      const before = stored(name);
      expect((await api.send(`PUT /jobs/${name}`, { body: definition })).json().outcome).toBe('unchanged');
      expect((await api.post('/apply', [definition])).counts.unchanged).toBe(1);
      expect(stored(name)).toEqual(before);
    }
  });

  test.each(paths)('makes no new revision by Chronos: %s', async (prefix) => {
    for (const name of ['native', 'uris', 'fetches']) {
      const before = stored(name);
      const listed = (await api.get(`${prefix}/jobs`)).find((job: Body) => job.name === name);
      for (const job of [await api.get(`${prefix}/job/${name}`), listed])
        expect((await api.send(`POST ${prefix}/iso8601`, { body: job })).statusCode).toBeLessThan(300);
      expect(stored(name)).toEqual(before);
    }
  });

  test('with another field changed keeps the credentials', async () => {
    const { definition } = await api.get('/jobs/native');
    await api.send('PUT /jobs/native', { body: { ...definition, policy: { priority: 2 } } });
    expect(stored('native')).toMatchObject({
      revision: 3,
      definition: { ...native, policy: { priority: 2 } },
    });
    const job = await api.get('//v1/scheduler/job/uris');
    await api.post('//v1/scheduler/iso8601', { ...job, command: 'y', uris: job.uris.toReversed() });
    expect(stored('uris').definition.run).toMatchObject({ command: 'y', fetch: [{ uri }] });
    expect((await api.get('//v1/scheduler/job/uris')).uris[1]).toBe(shownUri);
  });

  test('to another host or as another job is refused, and nothing is stored', async () => {
    const { definition } = await api.get('/jobs/native');
    const fetch = [{ uri: shownUri.replace('files.', 'evil.') }];
    const run = { ...definition.run, fetch };
    const answer = await api.send('PUT /jobs/native', { body: { ...definition, run } });
    expect(answer.json()).toMatchObject({
      code: 'INVALID_FIELD',
      field: 'run.fetch[0].uri',
      value: fetch[0]?.uri,
      detail: expect.stringContaining('Write the credential itself'),
    });
    for (const request of ['POST /jobs', 'PUT /jobs/copy'])
      expect((await api.send(request, { body: { ...definition, name: 'copy' } })).statusCode).toBe(400);
    const { results } = await api.post('/apply', [{ ...definition, name: 'copy' }]);
    expect(results[0]).toMatchObject({ outcome: 'refused', problem: { field: 'description' } });
    const job = { ...(await api.get('//v1/scheduler/job/uris')), owner: '', description: '' };
    for (const [name, each] of [
      ['copy', job.uris[0]],
      ['uris', fetch[0]?.uri],
    ]) {
      const refused = await api.send('POST //v1/scheduler/iso8601', { body: { ...job, name, uris: [each] } });
      expect([refused.statusCode, refused.body]).toEqual([400, expect.stringContaining('uris[0]')]);
    }
    expect((await api.send('GET /jobs/copy')).statusCode).toBe(404);
    expect(stored('native').revision).toBe(2);
  });

  test('to a job that was deleted and restored: a revision is restored with its credentials', async () => {
    await api.send('DELETE /jobs/native');
    await api.post('/jobs/native/revisions/1/restore');
    expect(stored('native').definition).toEqual(native);
  });
});

test('a launch is given the address as it was written', async () => {
  await fill();
  await api.post('/jobs/native/trigger');
  await api.world.clock.settle();
  expect(api.world.engine.started.map(({ fetch }) => fetch)).toEqual([[expect.objectContaining({ uri })]]);
});
