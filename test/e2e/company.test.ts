/**
 * Some days of a made-up company, each ten seconds long, on three schedulers: one night the load that everything hangs
 * on breaks, and stays broken while the leader dies twice. The night shift gets one message of it, and one when it is over.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endServers, eventually, Server } from '../support/server.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';

const REPORTS = 40;
const WAIT_MS = 60_000;

interface Received {
  readonly key: string;
  readonly title: string;
  readonly facts: readonly { readonly name: string; readonly text: string }[];
}

interface Cluster {
  readonly leader: { readonly url: string } | null;
}

describe.skipIf(zookeeperMissing !== null)('the night shift', () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-company-'));
  const broken = join(dir, 'broken');
  const received: Received[] = [];
  let answer = (response: ServerResponse): void => void response.end();
  const shift = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    received.push(JSON.parse(body));
    answer(response);
  });
  let zookeeper: ZooKeeper;
  const live = new Set<Server>();

  const startNode = async (index: number): Promise<void> => {
    const cluster = [...zookeeper.at('/company'), '--zk-session-timeout', 'PT4S'];
    const alerts = ['--alerts-file', join(dir, 'alerts.json')];
    live.add(await Server.start(join(dir, `node-${index}`), [...cluster, ...alerts]));
  };

  beforeAll(async () => {
    zookeeper = await ZooKeeper.start({ nodes: 1, tickMs: 200 });
    await new Promise<void>((done) => shift.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(shift.address() as AddressInfo).port}/`;
    writeFileSync(
      join(dir, 'alerts.json'),
      JSON.stringify({ receivers: { night: { webhook: { url } } }, routes: [{ to: ['night'] }] }),
    );
    for (const index of [0, 1, 2]) await startNode(index);
  }, 90_000);
  afterAll(async () => {
    await endServers();
    shift.close();
    await zookeeper?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Of what those that live say; while a leader is missing, they refuse some requests. */
  const soon = async <T>(ask: () => Promise<T>, holds: (value: T) => boolean): Promise<T> => {
    const asked = () =>
      ask().then(
        (value) => ({ value }),
        () => null,
      );
    const seen = await eventually(asked, (each) => each !== null && holds(each.value), WAIT_MS);
    return (seen as { value: T }).value;
  };
  const leader = async (): Promise<Server> => {
    const urls = await soon(
      async () => {
        const seen = await Promise.all([...live].map((each) => each.get<Cluster>('/api/v1/cluster')));
        return [...new Set(seen.map((each) => each.leader?.url))];
      },
      ([url, ...others]) => others.length === 0 && [...live].some((each) => each.url === url),
    );
    return [...live].find((each) => each.url === urls[0]) as Server;
  };
  const kill = async (server: Server): Promise<void> => {
    live.delete(server);
    await server.end('SIGKILL');
  };
  const alerts = async () => (await leader()).all<{ job: string; count: number }>('/api/v1/alerts');

  test('gets one message of the failure and one of its end, whoever dies', async () => {
    const first = await leader();
    const command = `test ! -e ${broken} || { echo "no route to the warehouse" >&2; exit 3; }`;
    const start = new Date(Date.now() + 2_000).toISOString();
    await first.ask('PUT', '/api/v1/jobs/load', {
      ...{ owner: 'data team', run: { command } },
      schedule: { every: `R/${start}/PT10S` },
    });
    for (let i = 0; i < REPORTS; i++)
      await first.ask('PUT', `/api/v1/jobs/report-${i}`, {
        run: { command: 'true' },
        schedule: { after: { parents: ['load'] } },
      });
    const succeeded = async () =>
      (await first.get<{ counts: { succeeded: number } }>('/api/v1/jobs/load')).counts.succeeded;
    await soon(succeeded, (count) => count >= 2);
    expect(received).toEqual([]);

    // Two o'clock. The leader dies when the receiver has the message, and nothing noted that.
    const killed = new Promise<void>((dead) => {
      answer = () => void leader().then((each) => kill(each).then(dead));
    });
    writeFileSync(broken, '');
    await killed;
    answer = (response) => response.end();
    await soon(alerts, ([alert]) => (alert?.count ?? 0) >= 2);

    // The second one, in the middle of the night.
    await kill(await leader());
    for (const index of [3, 4]) await startNode(index);
    await soon(alerts, ([alert]) => (alert?.count ?? 0) >= 4);

    rmSync(broken);
    await soon(alerts, (open) => open.length === 0);
    const owed = async () => (await leader()).all('/api/v1/notifications');
    await soon(owed, (messages) => messages.length === 0);

    const messages = [...new Map(received.map((message) => [message.key, message])).values()];
    expect(messages.map(({ title }) => title)).toEqual(['load failed', 'load succeeded again']);
    expect(messages[0]?.facts).toContainEqual({ name: 'Jobs that depend on it', text: String(REPORTS) });
  }, 300_000);
});
