/** A server that is told to stop ends, whatever does not answer it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually, Server } from '../support/server.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';

test.skipIf(zookeeperMissing !== null)(
  'a leader whose ZooKeeper is gone is cut off after --stop-timeout, in the middle of a commit',
  async () => {
    const zookeeper = await ZooKeeper.start({ nodes: 1, tickMs: 200 });
    const dir = mkdtempSync(join(tmpdir(), 'carillon-stop-'));
    const server = await Server.start(dir, [
      ...['--zk', `${zookeeper.connect}/stop`, '--zk-session-timeout', 'PT4S', '--stop-timeout', 'PT1S'],
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
      expect(server.log).toContain('stop-timed-out');
    } finally {
      await server.end('SIGKILL');
      await zookeeper.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  },
  90_000,
);
