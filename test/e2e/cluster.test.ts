/**
 * Three schedulers on three ZooKeeper servers, as an operator has them: killed, stopped, cut off from the
 * ensemble, restarted one after the other. The jobs count their launches themselves, outside of the system.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually, Server } from '../support/server.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';

const NODES = 3;
const SESSION = 'PT4S';

interface Cluster {
  readonly leader: { readonly url: string } | null;
  readonly term: number;
  readonly members: readonly { readonly url: string; readonly role: string }[];
}

interface RunAnswer {
  readonly id: string;
  readonly due: string;
  readonly state: string;
  readonly attempts: readonly { readonly number: number; readonly exitCode: number | null }[];
}

describe.skipIf(zookeeperMissing !== null)('three schedulers', () => {
  let zookeeper: ZooKeeper;
  let dir: string;
  let servers: (Server | null)[] = [];
  let installations = 0;
  let chroot = '';

  beforeAll(async () => {
    zookeeper = await ZooKeeper.start({ nodes: 3, tickMs: 200 });
  }, 60_000);
  afterAll(() => zookeeper.stop());
  afterEach(async () => {
    for (const server of servers) await server?.end('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });

  const startNode = async (index: number): Promise<Server> => {
    const server = await Server.start(join(dir, `node-${index}`), [
      ...zookeeper.at(chroot),
      ...['--zk-session-timeout', SESSION],
    ]);
    servers[index] = server;
    return server;
  };

  const startAll = async (): Promise<void> => {
    dir = mkdtempSync(join(tmpdir(), 'carillon-cluster-'));
    chroot = `/cluster-${++installations}`;
    servers = Array.from({ length: NODES }, () => null);
    for (let i = 0; i < NODES; i++) await startNode(i);
    await eventually(
      () => clusterOf(live()[0] as Server),
      ({ members }) => members.length === NODES,
    );
  };

  const live = (): Server[] => servers.filter((server) => server !== null);
  const clusterOf = (server: Server): Promise<Cluster> => server.get('/api/v1/cluster');
  const counted = (): string => join(dir, 'launched');
  const command = (): string => `echo "$CARILLON_RUN#$CARILLON_ATTEMPT" >> ${counted()}; sleep 0.2`;

  /** The leader and the others, by what a living node says. */
  const roles = async (): Promise<{ leader: number; followers: number[] }> => {
    const asked = live()[0] as Server;
    const { leader } = await eventually(
      () => clusterOf(asked),
      (cluster) => live().some(({ url }) => url === cluster.leader?.url),
    );
    const at = servers.findIndex((server) => server?.url === leader?.url);
    return {
      leader: at,
      followers: servers.flatMap((server, i) => (server !== null && i !== at ? [i] : [])),
    };
  };

  const end = async (index: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    await servers[index]?.end(signal);
    servers[index] = null;
  };

  const repeating = async (count: number): Promise<string[]> => {
    const start = new Date(Math.ceil(Date.now() / 1_000) * 1_000).toISOString();
    const names = Array.from({ length: count }, (_, i) => `repeating-${i}`);
    for (const name of names) {
      const definition = {
        name,
        schedule: { every: `R/${start}/PT1S` },
        run: { command: command() },
        policy: { catchUp: 'all', overlap: 'allow', retries: { limit: 3, delay: 'PT0.1S' } },
      };
      const { status, body } = await (live()[0] as Server).ask('POST', '/api/v1/jobs', definition);
      expect(status, JSON.stringify(body)).toBe(201);
    }
    return names;
  };

  /** Everything that became due has run once, and nothing was launched twice. */
  const expectAllRan = async (names: readonly string[]): Promise<void> => {
    const server = live()[0] as Server;
    for (const name of names) await server.ask('POST', `/api/v1/jobs/${name}/pause`);
    const unfinished = () => server.all<RunAnswer>('/api/v1/runs?state=waiting,queued,launching,running');
    await eventually(unfinished, (runs) => runs.length === 0, 60_000);
    const launched = existsSync(counted()) ? readFileSync(counted(), 'utf8').trim().split('\n') : [];
    expect(launched.filter((line, i) => launched.indexOf(line) !== i)).toEqual([]);
    for (const name of names) {
      const runs = await server.all<RunAnswer>(`/api/v1/jobs/${name}/runs?limit=1000`);
      expect(runs.filter((run) => run.state !== 'succeeded')).toEqual([]);
      const dues = runs.map((run) => Date.parse(run.due)).sort((a, b) => a - b);
      expect(dues).toEqual(Array.from(dues, (_, i) => (dues[0] as number) + i * 1_000));
      for (const run of runs)
        for (const attempt of run.attempts) {
          if (attempt.exitCode === 0) expect(launched).toContain(`${run.id}#${attempt.number}`);
        }
    }
  };

  test('a node that is killed or stopped, leader or not, loses nothing and doubles nothing', async () => {
    await startAll();
    const names = await repeating(4);
    for (const [who, signal] of [
      ['leader', 'SIGKILL'],
      ['follower', 'SIGKILL'],
      ['leader', 'SIGTERM'],
      ['leader', 'SIGKILL'],
    ] as const) {
      const { leader, followers } = await roles();
      const victim = who === 'leader' ? leader : (followers[0] as number);
      await end(victim, signal);
      await roles();
      await startNode(victim);
    }
    await expectAllRan(names);
  }, 90_000);

  test('what is written through a follower is read from every node at once', async () => {
    await startAll();
    const { followers, leader } = await roles();
    const [first, second] = followers.map((index) => servers[index] as Server) as [Server, Server];
    const created = await first.ask('POST', '/api/v1/jobs', { name: 'a', run: { command: 'true' } });
    expect(created.status).toBe(201);
    expect((await first.ask('GET', '/api/v1/jobs/a')).status).toBe(200);
    const refused = await first.ask('POST', '/api/v1/jobs', { name: 'a', run: { command: 'true' } });
    expect(refused).toMatchObject({ status: 409, body: { code: 'JOB_EXISTS' } });
    for (const server of [second, servers[leader] as Server])
      await eventually(
        () => server.ask('GET', '/api/v1/jobs/a'),
        ({ status }) => status === 200,
      );
    const run = await second.ask<{ id: string }>('POST', '/api/v1/jobs/a/trigger');
    expect(run.status).toBe(202);
    const ended = (server: Server) =>
      eventually(
        () => server.ask<RunAnswer>('GET', `/api/v1/runs/${run.body.id}`),
        ({ body }) => body.state === 'succeeded',
      );
    for (const server of live()) await ended(server);
  }, 60_000);

  test('what somebody else runs is reported to any node, whoever leads at its start and its end', async () => {
    await startAll();
    const { leader, followers } = await roles();
    const [first, second] = followers.map((i) => servers[i] as Server) as [Server, Server];
    await first.ask('POST', '/api/v1/jobs', { name: 'backup', schedule: { cron: '0 2 * * *' } });
    const report = async (to: Server, path: string, body?: string) => {
      const response = await fetch(`${to.url}/api/v1/heartbeats/backup${path}?rid=1`, {
        method: 'POST',
        body: body ?? null,
      });
      expect(response.status).toBe(200);
      return (await response.json()) as { run: string; state: string; repeated: boolean };
    };
    const started = await report(first, '/start');
    expect(started.state).toBe('running');
    await servers[leader]?.end('SIGKILL');
    servers[leader] = null;
    await roles();
    const ended = await report(second, '', 'all is saved');
    expect(ended).toMatchObject({ run: started.run, state: 'succeeded', repeated: false });
    expect((await report(first, '', 'all is saved')).repeated).toBe(true);
    for (const node of [first, second]) {
      const logs = await fetch(`${node.url}/api/v1/runs/${started.run}/logs`);
      expect(await logs.text()).toBe('all is saved');
    }
  }, 60_000);

  test('without a quorum nothing new starts, all nodes say so, and on return what was due is caught up', async () => {
    await startAll();
    const names = await repeating(2);
    const launches = (): number =>
      existsSync(counted()) ? readFileSync(counted(), 'utf8').trim().split('\n').length : 0;
    await eventually(
      async () => launches(),
      (count) => count > 2,
    );
    const [a, b] = zookeeper.servers;
    await a?.stop('SIGKILL');
    await b?.stop('SIGKILL');
    for (const server of live()) {
      const { body } = await eventually(
        () => server.ask<{ detail: string }>('GET', '/health/ready'),
        ({ status }) => status === 503,
      );
      expect(body.detail).toContain('ZooKeeper');
      // What is known is still shown.
      expect((await server.ask('GET', '/api/v1/jobs/repeating-0')).status).toBe(200);
    }
    // What was decided before may still start. Then three due times of each job pass without a start.
    await eventually(
      async () => {
        const before = launches();
        await new Promise((resolve) => setTimeout(resolve, 3_000));
        return launches() - before;
      },
      (more) => more === 0,
    );
    await a?.start();
    await b?.start();
    for (const server of live())
      await eventually(
        () => server.ask('GET', '/health/ready'),
        ({ status }) => status === 200,
        30_000,
      );
    await expectAllRan(names);
  }, 120_000);

  test('restarting every ZooKeeper server and every scheduler in turn loses nothing', async () => {
    await startAll();
    const names = await repeating(3);
    for (const server of zookeeper.servers) {
      await server.stop('SIGTERM');
      await server.start();
    }
    for (let index = 0; index < NODES; index++) {
      await end(index, 'SIGTERM');
      await roles();
      await startNode(index);
    }
    await expectAllRan(names);
  }, 120_000);
});
