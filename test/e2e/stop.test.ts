/** A server that is told to stop ends, whatever does not answer it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { program } from '../support/program.ts';
import { eventually, Server } from '../support/server.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';

test.skipIf(zookeeperMissing !== null)(
  'a leader whose ZooKeeper is gone is cut off after --stop-timeout, in the middle of a commit',
  async () => {
    const zookeeper = await ZooKeeper.start({ nodes: 1, tickMs: 200 });
    const dir = mkdtempSync(join(tmpdir(), 'carillon-stop-'));
    const server = await Server.start(dir, [
      ...zookeeper.at('/stop'),
      ...['--zk-session-timeout', 'PT4S', '--stop-timeout', 'PT1S'],
    ]);
    try {
      const job = { name: 'a', schedule: { every: 'PT1S' }, run: { command: 'true' } };
      await server.ask('POST', '/api/v1/jobs', job);
      await eventually(
        () => server.ask('GET', '/api/v1/jobs/a'),
        ({ status }) => status === 200,
      );
      await zookeeper.servers[0]?.stop('SIGKILL');
      // Nobody waits for its answer: it is what the stop would wait for.
      void server.ask('POST', '/api/v1/jobs/a/trigger').catch(() => undefined);
      await eventually(
        () => server.ask('GET', '/health/ready'),
        ({ status }) => status === 503,
      );
      expect(await server.end('SIGTERM')).toBe(0);
      expect(server.log).toContain('node.stop-timed-out');
    } finally {
      await server.end('SIGKILL');
      await zookeeper.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  },
  90_000,
);

test('a server that waits for its engine at the start ends when it is told to, without having started', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-stop-'));
  const connections: Socket[] = [];
  const engine = createServer((connection) => void connections.push(connection)).listen(0, '127.0.0.1');
  await once(engine, 'listening');
  const args = ['serve', '--data-dir', dir, '--port', '0', '--stop-timeout', 'PT1S'];
  const host = `tcp://127.0.0.1:${(engine.address() as AddressInfo).port}`;
  const [command, main] = program;
  const child = spawn(command, [main, ...args, '--docker-host', host]);
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => void (log += chunk));
  try {
    // It listens before it asks its engine.
    await eventually(
      async () => connections.length,
      (count) => count > 0,
      60_000,
    );
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(log).not.toContain('Carillon is running');
  } finally {
    child.kill('SIGKILL');
    for (const connection of connections) connection.destroy();
    engine.close();
    rmSync(dir, { recursive: true, force: true });
  }
}, 120_000);
