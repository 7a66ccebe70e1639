/** A cluster's state in ZooKeeper, as somebody sees it who is not of the cluster; and how an open one is taken over. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { realClock } from '../../src/node/clock.ts';
import { zooKeeperLogin } from '../../src/node/zookeeper/login.ts';
import {
  createZooKeeperSession,
  type SessionParts,
  type ZooKeeperSession,
} from '../../src/store/zookeeper/wire/session.ts';
import { allowedTo, treeBelow } from '../support/outsider.ts';
import { program } from '../support/program.ts';
import { eventually, Server } from '../support/server.ts';
import { until } from '../support/until.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';
import { ZooKeeperProxy } from '../support/zookeeper-proxy.ts';
import { silent } from '../support/zookeeper-store.ts';

const timeout = ['--zk-session-timeout', 'PT4S'];

describe.skipIf(zookeeperMissing !== null)('an outsider', () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-outsider-'));
  const sessions: ZooKeeperSession[] = [];
  const servers: Server[] = [];
  let zookeeper: ZooKeeper;

  beforeAll(async () => {
    zookeeper = await ZooKeeper.start({ nodes: 1, tickMs: 200 });
  }, 60_000);
  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.close();
    for (const server of servers.splice(0)) await server.end('SIGKILL');
  });
  afterAll(async () => {
    await zookeeper?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function startNode(name: string, args: readonly string[]): Promise<Server> {
    const server = await Server.start(join(dir, name), [...args, ...timeout]);
    servers.push(server);
    return server;
  }

  async function session(login: Pick<SessionParts, 'auth'>): Promise<ZooKeeperSession> {
    const parts = { hosts: zookeeper.connect, sessionTimeoutMs: 4_000, clock: realClock, log: silent };
    const made = createZooKeeperSession({ ...parts, ...login });
    sessions.push(made);
    await made.start();
    return made;
  }

  const owning = () => session(zooKeeperLogin({ zkAuthFile: zookeeper.loginFile }));

  const strangers = async (): Promise<[string, ZooKeeperSession][]> => [
    ['without a login', await session({ auth: null })],
    ['with a wrong password', await session({ auth: { user: 'carillon', password: 'guess' } })],
    ['as another user', await session({ auth: { user: 'eve', password: 'of the tests' } })],
  ];

  /** Jobs with a past, and what else a state has. */
  async function work(server: Server): Promise<void> {
    const put = async (name: string, definition: object): Promise<void> => {
      const { status, body } = await server.ask('PUT', `/api/v1/jobs/${name}`, { name, ...definition });
      expect(status, JSON.stringify(body)).toBeLessThan(300);
    };
    for (const name of ['often', 'rare'])
      await put(name, { schedule: { every: 'PT1S' }, run: { command: 'echo done' } });
    await put('child', { schedule: { after: { parents: ['often'] } }, run: { command: 'false' } });
    const reader = { name: `reader-${server.pid}`, bindings: [{ role: 'viewer' }] };
    expect((await server.ask('POST', '/api/v1/tokens', reader)).status).toBe(201);
    await server.ask('DELETE', '/api/v1/jobs/rare?dependents=cascade');
    await eventually(
      () => server.get<{ items: { state: string }[] }>('/api/v1/jobs/child/runs'),
      ({ items }) => items.filter(({ state }) => state === 'failed').length > 1,
    );
  }

  async function expectNothingFor(root: string): Promise<void> {
    const owner = await owning();
    const tree = await treeBelow(owner, root);
    for (const [who, outsider] of await strangers())
      expect([who, await allowedTo(outsider, owner, tree)]).toEqual([who, []]);
  }

  async function said(...args: string[]): Promise<{ status: number | null; text: string }> {
    const [command, main] = program;
    const child = spawn(command, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
    const [status] = await once(child, 'close');
    return { status, text };
  }

  test('reads and writes nothing of two nodes that work', async () => {
    const one = await startNode('one', zookeeper.at('/working'));
    await startNode('two', zookeeper.at('/working'));
    await work(one);
    await expectNothingFor('/working');
    const { members } = await one.get<{ members: unknown[] }>('/api/v1/cluster');
    expect(members).toHaveLength(2);
    await one.quieten('often', 'child');
  }, 120_000);

  test('has lost an open state once it is taken over, even if that was interrupted', async () => {
    const at = `${zookeeper.connect}/open`;
    const open = ['--zk', at, '--insecure-zk'];
    const node = await startNode('three', open);
    await work(node);
    const protect = (zk = at) => said('zk', 'protect', '--zk', zk, ...zookeeper.login);
    expect(await protect()).toMatchObject({ status: 3, text: expect.stringContaining('STORE_IN_USE') });
    expect(await (await session({ auth: null })).get('/open/head')).not.toBeNull();

    // Its log is not in the tables, and its session is still there for a while.
    await node.end('SIGKILL');
    const owner = await owning();
    await until('its session has expired', async () => (await owner.children('/open/election')).length === 0);
    const before = await treeBelow(owner, '/open');
    const proxy = new ZooKeeperProxy(zookeeper.servers[0]?.port as number);
    await proxy.start();
    proxy.cutAfter(30_000);
    const broken = await protect(`${proxy.connect}/open`);
    await proxy.stop();
    expect(broken).toMatchObject({ status: 3, text: expect.stringContaining('STORE_UNAVAILABLE') });
    const isOpen = await Promise.all(before.map((path) => owner.isOpen(path)));
    expect(new Set(isOpen)).toEqual(new Set([true, false]));
    const refused = await said(
      'serve',
      '--data-dir',
      join(dir, 'four'),
      '--port',
      '0',
      ...zookeeper.at('/open'),
    );
    expect(refused).toMatchObject({ status: 2, text: expect.stringContaining('carillon zk protect') });
    expect((await said('serve', '--data-dir', join(dir, 'three'), '--port', '0', ...open)).status).toBe(3);

    expect(await protect()).toEqual({ status: 0, text: `${before.length} nodes protected\n` });
    await expectNothingFor('/open');
    expect(await treeBelow(owner, '/open')).toEqual(before);
    const after = await startNode('three', zookeeper.at('/open'));
    const { items } = await after.get<{ items: unknown[] }>('/api/v1/jobs/child/runs');
    expect(items.length).toBeGreaterThan(1);
    await work(after);
    await expectNothingFor('/open');
    await after.quieten('often', 'child');
  }, 180_000);
});
