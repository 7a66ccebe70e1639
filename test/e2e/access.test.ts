/** Who gets in, on a cluster of two real nodes: what one node is told counts on the other. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../support/program.ts';
import { eventually, Server } from '../support/server.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

/** As another system user of this host. */
async function askAs(
  user: number,
  url: string,
  headers: Record<string, string> = {},
  method = 'GET',
  body?: object,
) {
  const sent = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  const script = `fetch(${JSON.stringify(url)}, ${JSON.stringify(sent)}).then(async (r) =>
    console.log(JSON.stringify({ status: r.status, body: await r.json(), cookies: r.headers.getSetCookie() })))`;
  const child = spawn(process.execPath, ['-e', script], { cwd: '/', env: {}, uid: user, gid: user });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await once(child, 'close');
  return JSON.parse(text) as {
    status: number;
    body: Record<string, unknown>;
    cookies: readonly string[];
  };
}

async function rotateKey(at: Server): Promise<void> {
  const [command, main] = program;
  const child = spawn(command, [main, '--url', at.url, 'auth', 'rotate-key'], { stdio: 'ignore' });
  expect((await once(child, 'close'))[0]).toBe(0);
}

describe.skipIf(zookeeperMissing !== null || !isRoot)('access on two nodes', () => {
  let zookeeper: ZooKeeper;
  let dir: string;
  let nodes: readonly Server[] = [];

  beforeAll(async () => {
    zookeeper = await ZooKeeper.start({ nodes: 1, tickMs: 200 });
    dir = mkdtempSync(join(tmpdir(), 'carillon-access-'));
    const start = (name: string) =>
      Server.start(join(dir, name), [
        ...[...zookeeper.at('/access'), '--zk-session-timeout', 'PT4S'],
        ...['--node-label', `zone=${name}`],
      ]);
    nodes = [await start('a'), await start('b')];
    await eventually(
      () => nodes[1]!.ask<{ members: unknown[] }>('GET', '/api/v1/cluster'),
      ({ body }) => body.members.length === 2,
    );
  }, 120_000);
  afterAll(async () => {
    for (const node of nodes) await node.end('SIGTERM');
    await zookeeper.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test('a token that either node makes or revokes counts on both, and the audit says who did it', async () => {
    for (const [here, there] of [nodes, nodes.toReversed()] as [Server, Server][]) {
      const name = `of ${here.url}`;
      const made = await here.ask<{ id: string; token: string }>('POST', '/api/v1/tokens', {
        ...{ name, bindings: [{ role: 'operator' }] },
      });
      expect(made.status).toBe(201);
      const headers = { authorization: `Bearer ${made.body.token}` };
      const askBoth = async () => [
        (await askAs(nobody, `${here.url}/api/v1/me`, headers)).status,
        (await askAs(nobody, `${there.url}/api/v1/me`, headers)).status,
      ];
      expect((await askAs(nobody, `${there.url}/api/v1/me`)).status).toBe(401);
      await eventually(askBoth, (statuses) => statuses.join() === '200,200');
      // A change is passed on to the leader with who asks: this one may not.
      const refused = await askAs(nobody, `${here.url}/api/v1/jobs/x`, headers, 'DELETE');
      expect(refused).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
      const missing = await askAs(nobody, `${here.url}/api/v1/jobs/x/pause`, headers, 'POST');
      expect(missing).toMatchObject({ status: 404, body: { code: 'JOB_NOT_FOUND' } });
      expect((await there.ask('DELETE', `/api/v1/tokens/${made.body.id}`)).status).toBe(200);
      await eventually(askBoth, (statuses) => statuses.join() === '401,401');
    }
  }, 60_000);

  test('what each node refuses is in the audit', async () => {
    for (const { url } of nodes) await askAs(nobody, `${url}/api/v1/jobs`, { authorization: 'Bearer wrong' });
    const refusals = () =>
      nodes[0]!.ask<{ items: { via: string | null; code: string }[] }>(
        'GET',
        '/api/v1/audit?outcome=refused&action=request',
      );
    await eventually(refusals, ({ body: { items } }) => {
      const vias = new Set(items.map(({ via }) => via === null));
      return vias.has(true) && vias.has(false);
    });
  }, 60_000);

  test('what a node does for another is in the audit of both: a change that it passes on, and a launch', async () => {
    const [leader, follower] = nodes as [Server, Server];
    const { members } = await leader.get<{ members: { id: string; url: string }[] }>('/api/v1/cluster');
    const [led, followed] = nodes.map((node) => members.find(({ url }) => url === node.url)?.id);
    const job = { name: 'far', run: { command: 'true', on: 'zone==b' } };
    expect((await follower.ask('POST', '/api/v1/jobs', job)).status).toBe(201);
    expect((await follower.ask('POST', '/api/v1/jobs/far/trigger')).status).toBe(202);
    const audit = async (query: string) =>
      (await leader.get<{ items: Record<string, unknown>[] }>(`/api/v1/audit?${query}`)).items;
    for (const query of ['on=far', 'action=trigger'])
      expect(await audit(query)).toMatchObject([{ by: { kind: 'local' }, via: followed, outcome: 'done' }]);
    const launches = await eventually(
      () => audit('action=engine-launch'),
      (items) => items.length > 0,
    );
    const { items: runs } = await leader.get<{ items: { attempts: { host: string }[] }[] }>(
      '/api/v1/jobs/far/runs',
    );
    expect(runs).toMatchObject([{ attempts: [{ host: followed }] }]);
    expect(launches).toMatchObject([
      {
        ...{ by: { kind: 'node', name: led }, from: '127.0.0.1', via: followed, outcome: 'done' },
        ...{ on: expect.any(String), after: { engine: 'process', term: expect.any(Number), calls: 1 } },
      },
    ]);
  }, 60_000);

  test('a session of one node ends on both once the key was rotated twice at the other, and new ones work on both', async () => {
    const made = await nodes[0]!.ask<{ token: string }>('POST', '/api/v1/tokens', {
      ...{ name: 'of sessions', bindings: [{ role: 'viewer' }] },
    });
    const logIn = async ({ url }: Server): Promise<string> => {
      const headers = { 'content-type': 'application/json' };
      const body = { token: made.body.token };
      const { status, cookies } = await askAs(nobody, `${url}/api/v1/login/token`, headers, 'POST', body);
      expect(status).toBe(200);
      return cookies[0]!.split(';')[0]!;
    };
    const statuses = async (cookie: string) => {
      const all = nodes.map(({ url }) => askAs(nobody, `${url}/api/v1/me`, { cookie }));
      return (await Promise.all(all)).map(({ status }) => status).join();
    };
    for (const [here, there] of [nodes, nodes.toReversed()] as [Server, Server][]) {
      const before = await logIn(here);
      await eventually(
        () => statuses(before),
        (each) => each === '200,200',
      );
      await rotateKey(there);
      expect(await statuses(before)).toBe('200,200');
      // Both nodes have the new key before it becomes the old one.
      const after = await eventually(
        () => logIn(here),
        (cookie) => keyOf(cookie) !== keyOf(before),
      );
      await rotateKey(there);
      await eventually(
        () => statuses(before),
        (each) => each === '401,401',
      );
      expect(await statuses(after)).toBe('200,200');
      for (const node of nodes) {
        const newest = await logIn(node);
        await eventually(
          () => statuses(newest),
          (each) => each === '200,200',
        );
      }
    }
  }, 120_000);
});

/** Which key has signed the session of a cookie. */
const keyOf = (cookie: string): string =>
  JSON.parse(Buffer.from(cookie.split('=')[1]!.split('.')[0]!, 'base64url').toString()).kid;
