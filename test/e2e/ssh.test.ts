/**
 * Processes on hosts through SSH, from two schedulers on ZooKeeper: their leader is killed while jobs run, and a host is away
 * for so long that its runs are given up.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { WireEngine } from '../../src/api/wire/views.ts';
import { eventually, Server } from '../support/server.ts';
import { SshHosts, sshMissing } from '../support/ssh-hosts.ts';
import { until } from '../support/until.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';

interface RunAnswer {
  readonly id: string;
  readonly state: string;
  readonly reason: string | null;
  readonly attempts: readonly { readonly host: string | null; readonly reason: string | null }[];
}

describe.skipIf(zookeeperMissing !== null || sshMissing() !== null)('jobs on hosts', () => {
  const hosts = new SshHosts(['one', 'two']);
  let zookeeper: ZooKeeper;
  let dir: string;
  let servers: Server[] = [];

  beforeAll(async () => {
    zookeeper = await ZooKeeper.start({ nodes: 1, tickMs: 200 });
    await hosts.start();
    hosts.write([
      hosts.entry('one', { labels: { zone: 'a' } }),
      hosts.entry('two', { labels: { zone: 'b' }, concurrency: 4 }),
    ]);
  }, 60_000);
  afterAll(async () => {
    await zookeeper.stop();
    await hosts.stop();
  });
  afterEach(async () => {
    hosts.heal('one');
    for (const server of servers.splice(0)) await server.end('SIGTERM');
    rmSync(dir, { recursive: true, force: true });
  });

  async function startNodes(count: number): Promise<Server[]> {
    dir = mkdtempSync(join(tmpdir(), 'carillon-hosts-'));
    servers = [];
    const root = `/hosts-${count}`;
    for (let node = 0; node < count; node++)
      servers.push(
        await Server.start(join(dir, String(node)), [
          ...zookeeper.at(root),
          ...['--zk-session-timeout', 'PT4S', '--ssh-hosts', hosts.file],
        ]),
      );
    return servers;
  }

  const put = async (server: Server, definition: object): Promise<void> => {
    const { status, body } = await server.ask('POST', '/api/v1/jobs', definition);
    expect(status, JSON.stringify(body)).toBe(201);
  };
  const runOf = async (server: Server, job: string): Promise<RunAnswer | undefined> =>
    (await server.get<{ items: RunAnswer[] }>(`/api/v1/jobs/${job}/runs`)).items[0];
  const trigger = (server: Server, job: string) => server.ask('POST', `/api/v1/jobs/${job}/trigger`);
  const outputOf = async (server: Server, run: string): Promise<string> =>
    (await fetch(`${server.url}/api/v1/runs/${run}/logs`)).text();

  test('a killed leader leaves runs where they are, and the next one reads their ends and output', async () => {
    const [first, second] = (await startNodes(2)) as [Server, Server];
    const [go, launched] = [join(dir, 'go'), join(dir, 'launched')];
    const wait = `while [ ! -e ${go} ]; do sleep 0.05; done`;
    await put(first, {
      name: 'far',
      run: { engine: 'ssh', host: 'one', command: `echo before; ${wait}; echo after; exit 9` },
    });
    await put(first, {
      name: 'everywhere',
      run: {
        engine: 'ssh',
        on: 'all',
        command: `echo $CARILLON_RUN >> ${launched}-all; echo I am "$(pwd | sed s,.*/on-,,)"; ${wait}; case $PWD in *on-two*) exit 3;; esac`,
      },
    });
    await trigger(first, 'everywhere');
    await put(first, {
      name: 'ticking',
      schedule: { every: `R/${new Date().toISOString()}/PT1S` },
      run: { engine: 'ssh', command: `echo $CARILLON_RUN >> ${launched}` },
      policy: { overlap: 'allow', catchUp: 'all' },
    });
    await trigger(first, 'far');
    const run = await eventually(
      () => runOf(first, 'far'),
      (each) => each?.state === 'running',
    );
    expect(run?.attempts).toMatchObject([{ host: 'one' }]);
    await until('jobs run', () => existsSync(launched));
    await eventually(
      () => outputOf(second, run?.id ?? ''),
      (text) => text === 'before\n',
    );

    const whole = await eventually(
      () => runOf(first, 'everywhere'),
      (each) => each?.state === 'running',
    );
    expect(whole?.attempts).toMatchObject([{ host: 'all' }]);

    await first.end('SIGKILL');
    writeFileSync(go, '');
    const after = await eventually(
      () => runOf(second, 'far').catch(() => undefined),
      (each) => each?.state === 'failed',
      60_000,
    );
    expect(after).toMatchObject({ id: run?.id, attempts: [{ host: 'one' }] });
    expect(await outputOf(second, run?.id ?? '')).toBe('before\nafter\n');
    const ended = await eventually(
      () => runOf(second, 'everywhere'),
      (each) => each?.state === 'failed',
      30_000,
    );
    expect(ended?.attempts).toMatchObject([
      { host: 'all', exitCode: 3, reason: 'Failed on 1 of 2 hosts: two: exit code 3' },
    ]);
    expect(readFileSync(`${launched}-all`, 'utf8')).toBe(`${whole?.id}\n`.repeat(2));
    expect(await outputOf(second, whole?.id ?? '')).toMatch(
      /^==> one <==\nI am one\/.*\n==> two <==\nI am two\/.*\n$/,
    );
    // Nothing ran twice, and nothing was left out.
    await eventually(
      () => second.get<{ items: RunAnswer[] }>('/api/v1/jobs/ticking/runs?limit=500'),
      ({ items }) => items.length > 15 && items.slice(3).every(({ state }) => state === 'succeeded'),
      60_000,
    );
    await second.ask('POST', '/api/v1/jobs/ticking/pause');
    const { items } = await eventually(
      () => second.get<{ items: RunAnswer[] }>('/api/v1/jobs/ticking/runs?limit=500'),
      (answer) => answer.items.every(({ state }) => state === 'succeeded'),
    );
    const lines = readFileSync(launched, 'utf8').trim().split('\n');
    expect(lines.sort()).toEqual(items.map(({ id }) => id).sort());
  }, 180_000);

  test('a host that is away for a minute loses its run, and what it still runs then is ended', async () => {
    const [node] = (await startNodes(1)) as [Server];
    const pids = join(dir, 'pids');
    await put(node, {
      name: 'long',
      run: { engine: 'ssh', on: 'zone!=c', command: `echo "$$" >> ${pids}; exec sleep 1000` },
      policy: { retries: { limit: 1, delay: 'PT1S' } },
    });
    await put(node, { name: 'everywhere', run: { engine: 'ssh', on: 'all,zone!=c', command: 'echo here' } });
    await put(node, { name: 'pinned', run: { engine: 'ssh', host: 'one', command: 'echo here' } });
    await put(node, { name: 'nowhere', run: { engine: 'ssh', host: 'four', command: 'true' } });
    hosts.write([hosts.entry('one', { labels: { zone: 'a' } })]);
    await trigger(node, 'nowhere');
    await eventually(
      () => runOf(node, 'nowhere'),
      (run) => run?.reason === 'no node that responds has host==four',
    );
    await eventually(
      () => node.get<{ items: WireEngine[] }>('/api/v1/engines'),
      ({ items }) => {
        const { hosts: left, capacity } = items.find(({ name }) => name === 'ssh') ?? {};
        // The other host may not have answered yet, so its slots alone say nothing.
        return left?.length === 1 && capacity?.attempts === 16;
      },
    );
    await trigger(node, 'long');
    await until('it runs', () => existsSync(pids));
    hosts.cut('one');
    hosts.write([
      hosts.entry('one', { labels: { zone: 'a' } }),
      hosts.entry('two', { labels: { zone: 'b' } }),
    ]);
    const run = await eventually(
      () => runOf(node, 'long'),
      (each) => each?.attempts.length === 2 && each.state === 'running',
      120_000,
    );
    expect(run?.attempts).toMatchObject([
      { host: 'one', reason: expect.stringContaining('one') },
      { host: 'two' },
    ]);
    await trigger(node, 'pinned');
    await eventually(
      () => runOf(node, 'pinned'),
      (each) => each?.state === 'queued' && /one: the host one cannot be reached: /.test(each.reason ?? ''),
    );
    await trigger(node, 'everywhere');
    const partly = await eventually(
      () => runOf(node, 'everywhere'),
      (each) => each?.state === 'failed' || each?.state === 'lost',
      30_000,
    );
    expect(partly?.attempts.at(-1)?.reason).toMatch(/^Failed on 1 of 2 hosts: one: Lost: /);
    expect(await outputOf(node, partly?.id ?? '')).toMatch(
      /^==> one <==\ncarillon: the host one cannot be reached: .*\n==> two <==\nhere\n$/,
    );
    const [first = 0, second = 0] = readFileSync(pids, 'utf8').trim().split('\n').map(Number);
    hosts.heal('one');
    await until('what was given up has ended', () => !existsSync(`/proc/${first}`), 90_000);
    expect(existsSync(`/proc/${second}`)).toBe(true);
    await eventually(
      () => runOf(node, 'pinned'),
      (each) => each?.state === 'succeeded',
      60_000,
    );
    await node.ask('POST', `/api/v1/runs/${run?.id}/kill`);
    await until('it is killed', () => !existsSync(`/proc/${second}`), 30_000);
  }, 240_000);
});
