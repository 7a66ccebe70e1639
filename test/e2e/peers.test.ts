/** What nodes tell each other: a listener of their own, with certificates on both sides. Against ZooKeeper. */

import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Authority, type PairFiles } from '../support/certificates.ts';
import { eventually, Server } from '../support/server.ts';
import { until } from '../support/until.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';

interface Node {
  readonly server: Server;
  readonly peerUrl: string;
}

describe.skipIf(zookeeperMissing !== null)('nodes with certificates', () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-peers-'));
  let zookeeper: ZooKeeper;
  let ca: Authority;
  let pair: PairFiles;
  let leader: Node;
  let follower: Node;

  async function start(name: string): Promise<Node> {
    const server = await Server.start(join(dir, name), [
      ...[...zookeeper.at('/peers'), '--zk-session-timeout', 'PT4S'],
      ...['--peer-cert', pair.certFile, '--peer-key', pair.keyFile, '--peer-ca', ca.file],
    ]);
    return { server, peerUrl: await peerUrlOf(server) };
  }

  /** From its line in the log. */
  const peerUrlOf = (server: Server) =>
    until('it listens for nodes', () => /https:\/\/127\.0\.0\.1:\d+/.exec(server.log)?.[0]);

  beforeAll(async () => {
    zookeeper = await ZooKeeper.start({ nodes: 1, tickMs: 200 });
    ca = await Authority.make(dir);
    // Its addresses do not matter among nodes.
    pair = await ca.issue('node', { hosts: ['elsewhere.example'] });
    leader = await start('one');
    follower = await start('two');
    await eventually(
      () => follower.server.get<{ members: unknown[] }>('/api/v1/cluster'),
      ({ members }) => members.length === 2,
    );
  });
  afterAll(async () => {
    await follower?.server.end('SIGTERM');
    await leader?.server.end('SIGTERM');
    await zookeeper?.stop();
    rmSync(dir, { recursive: true });
  });

  const asStranger = (options: object) =>
    new Promise<number | undefined>((resolve, reject) => {
      const url = `${leader.peerUrl}/internal/engines/process/inventory`;
      const trusting = { checkServerIdentity: () => undefined, agent: false };
      const asking = request(url, { ca: ca.pair.cert, ...trusting, ...options }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asking.on('error', reject).end();
    });

  test('forward to the leader', async () => {
    const job = { name: 'job', schedule: { every: 'PT1H' }, run: { command: 'true' } };
    expect((await follower.server.ask('PUT', '/api/v1/jobs/job', job)).status).toBe(201);
    expect(await leader.server.get('/api/v1/jobs/job')).toMatchObject({ name: 'job' });
    await follower.server.ask('DELETE', '/api/v1/jobs/job');
  });

  test('answer nobody without a certificate of the authority', async () => {
    await expect(asStranger({})).rejects.toThrow();
    const stranger = await (await Authority.make(dir, 'other')).issue('stranger');
    await expect(asStranger(stranger)).rejects.toThrow();
    const expired = await ca.issue('expired', { forMs: -1_000 });
    await expect(asStranger(expired)).rejects.toThrow();
    await expect(asStranger({ ...pair, maxVersion: 'TLSv1.1' })).rejects.toThrow();
    await expect(fetch(leader.peerUrl.replace('https', 'http'))).rejects.toThrow();
  });

  test('have no internal routes for clients, whatever these claim', async () => {
    const headers = { 'x-carillon-forwarded-by': 'two' };
    const url = `${leader.server.url}/internal/engines/process/inventory`;
    expect((await fetch(url, { headers })).status).toBe(404);
    expect(await asStranger(pair)).toBeDefined();
  });

  test('go on with a renewed certificate', async () => {
    await ca.issue('renewed', { as: 'node', hosts: ['renewed.example'] });
    await until('it was read', () =>
      [leader, follower].every(({ server }) => (server.log.match(/tls\.files-read/g) ?? []).length === 2),
    );
    const job = { name: 'later', schedule: { every: 'PT1H' }, run: { command: 'true' } };
    expect((await follower.server.ask('PUT', '/api/v1/jobs/later', job)).status).toBe(201);
    await follower.server.ask('DELETE', '/api/v1/jobs/later');
  });
});
