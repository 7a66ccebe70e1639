/** Backing up and restoring as an operator does: the program's commands, files, kills. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { program } from '../support/program.ts';
import { eventually, Server } from '../support/server.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-e2e-backup-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function carillon(...args: string[]): ChildProcess {
  const [command, main] = program;
  return spawn(command, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

async function said(...args: string[]): Promise<{ status: number | null; text: string }> {
  const child = carillon(...args);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk));
  const [status] = await once(child, 'close');
  return { status, text };
}

interface RunAnswer {
  readonly id: string;
  readonly state: string;
  readonly reason: string | null;
  readonly attempts: { readonly startedAt: string | null }[];
}
interface LineAnswer {
  readonly from: string;
  readonly to: string;
  readonly count: number;
}

test('a damaged store comes back from a backup: jobs, past, what runs, and one word for every instant', async () => {
  const dataDir = join(dir, 'data');
  const file = join(dir, 'carillon.backup');
  let server = await Server.start(dataDir, ['--process-concurrency', '1']);
  const start = new Date(Math.ceil(Date.now() / 1_000) * 1_000).toISOString();
  const jobs = [
    { name: 'seconds', schedule: { every: `R/${start}/PT1S` }, run: { command: 'true' } },
    { name: 'long', run: { command: 'sleep 600' } },
    { name: 'behind', run: { command: 'true' } },
  ];
  for (const job of jobs) expect((await server.ask('POST', '/api/v1/jobs', job)).status).toBe(201);
  await eventually(
    () => server.all<RunAnswer>('/api/v1/runs?job=seconds&state=succeeded'),
    (runs) => runs.length >= 2,
  );
  const long = (await server.ask<RunAnswer>('POST', '/api/v1/jobs/long/trigger')).body;
  await eventually(
    () => server.get<RunAnswer>(`/api/v1/runs/${long.id}`),
    (run) => run.state === 'running',
  );
  const behind = (await server.ask<RunAnswer>('POST', '/api/v1/jobs/behind/trigger')).body;
  const past = await server.all<RunAnswer>('/api/v1/runs?job=seconds&state=succeeded');

  expect(await said('backup', '--to', file, '--url', server.url)).toMatchObject({
    status: 0,
    text: expect.stringMatching(/3 jobs, \d unfinished runs?, \d+ records in total/),
  });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect((await said('backup', '--to', file, '--url', server.url)).text).toContain('already exists');
  expect(await said('restore', file, '--data-dir', dataDir, '--replace')).toMatchObject({
    status: 3,
    text: expect.stringContaining('STORE_IN_USE'),
  });
  await server.end('SIGKILL');
  truncateSync(join(dataDir, 'store', 'data.mdb'), 20_000);
  expect(await said('serve', '--data-dir', dataDir, '--port', '0')).toMatchObject({
    status: 3,
    text: expect.stringContaining(`carillon restore FILE --data-dir ${dataDir} --replace`),
  });

  expect(await said('restore', file, '--data-dir', dataDir)).toMatchObject({ status: 1 });
  expect(await said('restore', file, '--data-dir', dataDir, '--replace')).toMatchObject({
    status: 0,
    text: expect.stringMatching(/restored 3 jobs[\s\S]*was moved to .*store\.replaced-/),
  });
  server = await Server.start(dataDir, ['--process-concurrency', '8']);
  expect(await server.get(`/api/v1/runs/${long.id}`)).toMatchObject({ state: 'running' });
  expect(await server.get(`/api/v1/runs/${behind.id}`)).toMatchObject({
    state: 'killed',
    reason: 'it was queued when the backup was taken, and its state since then is unknown',
  });
  const ids = new Set((await server.all<RunAnswer>('/api/v1/runs?job=seconds')).map(({ id }) => id));
  expect(past.filter(({ id }) => !ids.has(id))).toEqual([]);
  await eventually(
    () => server.all<RunAnswer>('/api/v1/runs?job=seconds&state=succeeded'),
    (runs) => runs.length > past.length,
  );
  await server.ask('POST', '/api/v1/jobs/seconds/pause');
  const lines = (await server.all<LineAnswer>('/api/v1/jobs/seconds/ledger')).sort((a, b) =>
    a.from < b.from ? -1 : 1,
  );
  let next = Date.parse(start);
  for (const { from, to, count } of lines) {
    expect(Date.parse(from)).toBe(next);
    next += count * 1_000;
    // A stretch may reach to right before the next instant.
    expect(Date.parse(to)).toBeLessThan(next);
  }
  await server.quieten('seconds', 'long', 'behind');
  await server.end('SIGTERM');
}, 120_000);

test('a restored copy under a new identity leaves the first installation’s runs alone', async () => {
  const first = await Server.start(join(dir, 'first'));
  await first.ask('POST', '/api/v1/jobs', {
    name: 'long',
    run: { command: 'sleep 600' },
    policy: { retries: { limit: 3 } },
  });
  const { id } = (await first.ask<RunAnswer>('POST', '/api/v1/jobs/long/trigger')).body;
  const state = (server: Server) => server.get<RunAnswer>(`/api/v1/runs/${id}`);
  await eventually(
    () => state(first),
    (run) => run.state === 'running',
  );
  const file = join(dir, 'first.backup');
  expect((await said('backup', '--to', file, '--url', first.url)).status).toBe(0);
  const copy = join(dir, 'copy');
  expect((await said('restore', file, '--data-dir', copy, '--new-identity')).status).toBe(0);
  // Jobs of other users pass through it.
  expect(statSync(copy).mode & 0o777).toBe(0o711);
  const second = await Server.start(copy);
  const ended = await eventually(
    () => state(second),
    (run) => run.state !== 'running',
  );
  expect(ended).toMatchObject({ state: 'killed', attempts: [{}] });
  expect((await state(first)).state).toBe('running');
  await second.end('SIGTERM');
  await first.quieten('long');
  await first.end('SIGTERM');
}, 120_000);

test('a backup that is killed, or whose server dies, leaves no file that restores', async () => {
  let begun = (): void => undefined;
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/gzip' });
    response.write(readFileSync(join(dir, 'first.backup')).subarray(0, 300));
    begun();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const how of ['client', 'server'] as const) {
    const file = join(dir, `${how}.backup`);
    const under = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const child = carillon('backup', '--to', file, '--url', url);
    const ended = once(child, 'close');
    await under;
    const partial = join(dir, `.${how}.backup.partial`);
    await eventually(
      async () => existsSync(partial),
      (is) => is,
    );
    if (how === 'client') child.kill('SIGKILL');
    else server.closeAllConnections();
    const [status] = await ended;
    expect(status).toBe(how === 'client' ? null : 3);
    expect(readdirSync(dir)).not.toContain(`${how}.backup`);
    expect(existsSync(partial)).toBe(how === 'client');
    expect(await said('restore', partial, '--data-dir', join(dir, how))).toMatchObject({
      status: 2,
      text: expect.stringContaining('INVALID_BACKUP'),
    });
    expect(existsSync(join(dir, how))).toBe(false);
  }
  server.close();
}, 60_000);

test.skipIf(zookeeperMissing !== null)(
  'a backup from a follower is restored into another path of ZooKeeper, and a node goes on there',
  async () => {
    const zookeeper = await ZooKeeper.start({ nodes: 1, tickMs: 200 });
    const servers: Server[] = [];
    const start = async (node: string, path: string): Promise<Server> => {
      const server = await Server.start(join(dir, node), zookeeper.at(path));
      servers.push(server);
      return server;
    };
    try {
      const leader = await start('node-1', '/before');
      const follower = await start('node-2', '/before');
      await follower.ask('POST', '/api/v1/jobs', { name: 'long', run: { command: 'sleep 600' } });
      const { id } = (await follower.ask<RunAnswer>('POST', '/api/v1/jobs/long/trigger')).body;
      await eventually(
        () => follower.get<RunAnswer>(`/api/v1/runs/${id}`),
        (run) => run.state === 'running',
      );
      const file = join(dir, 'zookeeper.backup');
      expect(await said('backup', '--to', file, '--url', follower.url)).toMatchObject({ status: 0 });
      expect(await said('restore', file, ...zookeeper.at('/before'))).toMatchObject({
        status: 1,
        text: expect.stringContaining('STORE_NOT_EMPTY'),
      });
      for (const server of [leader, follower]) await server.end('SIGKILL');
      expect(await said('restore', file, '--zk', `${zookeeper.connect}/after`)).toMatchObject({
        status: 2,
        text: expect.stringMatching(/--zk-auth-file zk-login.*--insecure-zk.*MISSING_FIELD/s),
      });
      expect(await said('restore', file, ...zookeeper.at('/after'))).toMatchObject({ status: 0 });
      const restored = await start('node-1', '/after');
      expect(await restored.get(`/api/v1/runs/${id}`)).toMatchObject({ state: 'running', attempts: [{}] });
      await restored.quieten('long');
      await restored.end('SIGTERM');
    } finally {
      for (const server of servers) await server.end('SIGKILL');
      await zookeeper.stop();
    }
  },
  120_000,
);
