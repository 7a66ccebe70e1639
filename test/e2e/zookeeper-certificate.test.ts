/** A cluster of two nodes whose only login to ZooKeeper is a client certificate. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realClock } from '../../src/node/clock.ts';
import { zooKeeperLogin } from '../../src/node/zookeeper/login.ts';
import { createZooKeeperSession, type SessionParts } from '../../src/store/zookeeper/wire/session.ts';
import { Authority, type PairFiles } from '../support/certificates.ts';
import { allowedTo, treeBelow } from '../support/outsider.ts';
import { eventually, Server } from '../support/server.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';
import { silent } from '../support/zookeeper-store.ts';

describe.skipIf(zookeeperMissing !== null)('two nodes with a certificate as their login to ZooKeeper', () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-zk-certificate-'));
  let ca: Authority;
  let pair: PairFiles;
  let zookeeper: ZooKeeper;
  let secure: string;
  let nodes: Server[] = [];

  const start = (name: string, { certFile, keyFile }: PairFiles) =>
    Server.start(join(dir, name), [
      ...['--zk', `${secure}/certificate`, '--zk-session-timeout', 'PT4S'],
      ...['--zk-tls-ca', ca.file, '--zk-tls-cert', certFile, '--zk-tls-key', keyFile],
    ]);

  beforeAll(async () => {
    ca = await Authority.make(dir);
    const server = await ca.issue('zookeeper');
    const pem = join(dir, 'zookeeper-pair.pem');
    writeFileSync(pem, server.key + server.cert, { mode: 0o600 });
    zookeeper = await ZooKeeper.start({ nodes: 1, tickMs: 200, tls: { pem, ca: ca.file } });
    const [{ host, securePort }] = zookeeper.servers as [ZooKeeper['servers'][number]];
    secure = `${host}:${securePort}`;
    pair = await ca.issue('scheduler');
    // The same subject, which is the login, in another certificate.
    const other = await ca.issue('scheduler', { as: 'scheduler-2' });
    nodes = [await start('a', pair), await start('b', other)];
    await eventually(
      () => nodes[1]!.get<{ members: unknown[] }>('/api/v1/cluster'),
      ({ members }) => members.length === 2,
    );
  }, 120_000);
  afterAll(async () => {
    for (const node of nodes) await node.end('SIGTERM');
    await zookeeper?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const login = (files?: PairFiles) =>
    zooKeeperLogin({
      ...{ zkAuthFile: null, zkTlsCa: ca.file },
      ...(files !== undefined && { zkTlsCert: files.certFile, zkTlsKey: files.keyFile }),
    });

  async function session(as: Partial<SessionParts>) {
    const hosts = as.tls ? secure : zookeeper.connect;
    const parts = { hosts, sessionTimeoutMs: 4_000, clock: realClock, log: silent, auth: null };
    const made = createZooKeeperSession({ ...parts, ...as });
    await made.start();
    return made;
  }

  test('nobody else reads or changes anything there', async () => {
    const owner = await session(login(pair));
    const strangers = {
      'without TLS': await session({}),
      'with a password': await session({ auth: { user: 'carillon', password: 'of the tests' } }),
      'without a certificate': await session(login()),
      'with another subject': await session(login(await ca.issue('eve'))),
    };
    try {
      const tree = await treeBelow(owner, '/certificate');
      expect(tree.length).toBeGreaterThan(5);
      for (const [who, outsider] of Object.entries(strangers))
        expect([who, await allowedTo(outsider, owner, tree)]).toEqual([who, []]);
    } finally {
      for (const each of [owner, ...Object.values(strangers)]) await each.close();
    }
  }, 60_000);

  test('the other node takes over with its own certificate', async () => {
    const [leader, follower] = nodes as [Server, Server];
    const job = { name: 'job', run: { command: 'true' } };
    expect((await follower.ask('POST', '/api/v1/jobs', job)).status).toBe(201);
    await leader.end('SIGKILL');
    await eventually(
      () => follower.get<{ leader: { url: string } | null }>('/api/v1/cluster'),
      (cluster) => cluster.leader?.url === follower.url,
    );
    expect((await follower.ask('POST', '/api/v1/jobs/job/trigger')).status).toBe(202);
    await eventually(
      () => follower.get<{ items: { state: string }[] }>('/api/v1/jobs/job/runs'),
      ({ items }) => items[0]?.state === 'succeeded',
    );
  }, 60_000);
});
