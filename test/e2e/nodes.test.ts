/**
 * Processes on any node: three schedulers on ZooKeeper with labels, whose leader is killed and stays away. Runs on the
 * other nodes continue, their output is readable, and their children start.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually, Server } from '../support/server.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';

const enginesPath = '/api/v1/engines';
const zones = ['a', 'b', 'c'];

interface Cluster {
  readonly leader: { readonly url: string } | null;
  readonly members: readonly {
    readonly id: string;
    readonly url: string;
    readonly labels: object;
    readonly capacity: object;
    readonly running: object;
  }[];
}

interface RunAnswer {
  readonly id: string;
  readonly due: string;
  readonly state: string;
  readonly reason: string | null;
  readonly attempts: readonly { readonly host: string | null; readonly startedAt: string | null }[];
}

describe.skipIf(zookeeperMissing !== null)('jobs on any node', () => {
  let zookeeper: ZooKeeper;
  let dir: string;
  let servers = new Map<string, Server>();

  beforeAll(async () => {
    zookeeper = await ZooKeeper.start({ nodes: 1, tickMs: 200 });
  }, 60_000);
  afterAll(() => zookeeper.stop());
  afterEach(async () => {
    for (const server of servers.values()) await server.end('SIGTERM');
    rmSync(dir, { recursive: true, force: true });
  });

  const startNode = async (zone: string): Promise<Server> => {
    const server = await Server.start(join(dir, zone), [
      ...[...zookeeper.at('/nodes'), '--zk-session-timeout', 'PT4S'],
      ...['--node-label', `zone=${zone}`, '--process-concurrency', '8'],
    ]);
    servers.set(zone, server);
    return server;
  };

  const startAll = async (): Promise<Map<string, string>> => {
    dir = mkdtempSync(join(tmpdir(), 'carillon-nodes-'));
    servers = new Map();
    for (const zone of zones) await startNode(zone);
    const { members } = await eventually(
      () => clusterOf(servers.get('a') as Server),
      (cluster) => cluster.members.length === zones.length,
    );
    expect(members.map(({ labels, capacity }) => ({ labels, capacity }))).toEqual(
      zones.map((zone) => ({ labels: { zone, host: hostname() }, capacity: { process: 8 } })),
    );
    return new Map(zones.map((zone, i) => [zone, members[i]?.id ?? '']));
  };

  const clusterOf = (server: Server): Promise<Cluster> => server.get('/api/v1/cluster');
  const put = async (server: Server, definition: object): Promise<void> => {
    const { status, body } = await server.ask('POST', '/api/v1/jobs', definition);
    expect(status, JSON.stringify(body)).toBe(201);
  };
  const runOf = async (server: Server, job: string): Promise<RunAnswer | undefined> => {
    const { items } = await server.get<{ items: RunAnswer[] }>(`/api/v1/jobs/${job}/runs`);
    return items[0];
  };
  const is = (state: string) => (run: RunAnswer | undefined) => run?.state === state;
  const trigger = (server: Server, job: string) => server.ask('POST', `/api/v1/jobs/${job}/trigger`);

  test('a killed leader that stays away takes nothing with it from the other nodes', async () => {
    const ids = await startAll();
    const first = servers.get('a') as Server;
    const go = join(dir, 'go');
    const launched = join(dir, 'launched');
    const command = `echo $CARILLON_RUN >> ${launched}; echo before; while [ ! -e ${go} ]; do sleep 0.1; done; echo after`;
    await put(first, { name: 'far', run: { command, on: 'zone==b' } });
    await put(first, {
      name: 'child',
      schedule: { after: { parents: ['far'] } },
      run: { command: 'true', on: 'zone!=a' },
    });
    await put(first, { name: 'nowhere', run: { command: 'true', on: 'zone==d' } });
    const ticking = { every: `R/${new Date().toISOString()}/PT1S` };
    await put(first, {
      name: 'ticking',
      schedule: ticking,
      run: { command: `echo $CARILLON_RUN >> ${launched}`, on: 'zone!=a' },
      policy: { overlap: 'allow', catchUp: 'all' },
    });
    await trigger(first, 'far');
    const run = await eventually(() => runOf(first, 'far'), is('running'));
    expect(run?.attempts).toMatchObject([{ host: ids.get('b') }]);
    const { members } = await clusterOf(first);
    expect(members.find(({ id }) => id === ids.get('b'))?.running).toEqual({
      process: expect.any(Number),
    });
    await eventually(
      () =>
        first.get<{ items: { name: string; capacity: { attempts: number; nodes: number } }[] }>(enginesPath),
      ({ items }) => items.some(({ capacity }) => capacity.nodes === 3 && capacity.attempts === 24),
    );
    await trigger(first, 'nowhere');
    await eventually(
      () => runOf(first, 'nowhere'),
      (each) => each?.state === 'queued' && each.reason === 'no node that responds has zone==d',
    );

    await first.end('SIGKILL');
    servers.delete('a');
    const third = servers.get('c') as Server;
    await eventually(
      () => clusterOf(third),
      ({ leader }) => leader !== null && leader.url !== first.url,
    );
    // It continues, and its output is read through another node.
    expect(await runOf(third, 'far')).toMatchObject({ state: 'running' });
    expect((await third.ask('GET', `/api/v1/runs/${run?.id}/logs`)).body).toBe('before\n');
    const before = (await third.all<RunAnswer>('/api/v1/jobs/ticking/runs?state=succeeded')).length;
    writeFileSync(go, '');
    await eventually(() => runOf(third, 'far'), is('succeeded'));
    await eventually(() => runOf(third, 'child'), is('succeeded'));
    expect((await third.ask('GET', `/api/v1/runs/${run?.id}/logs`)).body).toBe('before\nafter\n');
    // While it is away, nothing is missed.
    await eventually(
      () => third.all<RunAnswer>('/api/v1/jobs/ticking/runs?state=succeeded'),
      (runs) => runs.length >= before + 5,
    );
    await third.ask('POST', '/api/v1/jobs/ticking/pause');
    const runs = await eventually(
      () => third.all<RunAnswer>('/api/v1/jobs/ticking/runs'),
      (all) => all.every(({ state }) => state === 'succeeded'),
    );
    const dues = runs.map(({ due }) => Date.parse(due)).sort((x, y) => x - y);
    expect(dues).toEqual(dues.map((_, i) => (dues[0] as number) + i * 1_000));
    const lines = existsSync(launched) ? readFileSync(launched, 'utf8').trim().split('\n') : [];
    expect(lines.filter((line, i) => lines.indexOf(line) !== i)).toEqual([]);
  }, 90_000);

  test('a run on another node is killed there', async () => {
    await startAll();
    const first = servers.get('a') as Server;
    await put(first, { name: 'endless', run: { argv: ['sleep', '1000'], on: 'zone==c' } });
    await trigger(first, 'endless');
    const run = await eventually(() => runOf(first, 'endless'), is('running'));
    await first.ask('POST', `/api/v1/runs/${run?.id}/kill`);
    await eventually(() => runOf(first, 'endless'), is('killed'));
  }, 60_000);
});
