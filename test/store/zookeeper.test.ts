/** The store and the election of several nodes, against real servers. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realClock } from '../../src/clock.ts';
import type { Election, Log } from '../../src/scheduler/ports.ts';
import type { Write } from '../../src/scheduler/write.ts';
import { createZooKeeperElection } from '../../src/store/election-zookeeper.ts';
import { createZooKeeperStore, type ZooKeeperStore } from '../../src/store/zookeeper.ts';
import { createZooKeeperSession } from '../../src/store/zookeeper-session.ts';
import { electionConformance } from '../conformance/election.ts';
import { job, run, storeConformance } from '../conformance/store.ts';
import { testMember } from '../support/rig.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { ZooKeeper, type ZooKeeperServer, zookeeperMissing } from '../support/zookeeper.ts';

const silent: Log = { info() {}, warn() {}, error() {}, debug() {} };
const SESSION_MS = 2_000;

let zookeeper: ZooKeeper;
let chroots = 0;

const sessionAt = (chroot: string) =>
  createZooKeeperSession({
    hosts: `${zookeeper.connect}/${chroot}`,
    sessionTimeoutMs: SESSION_MS,
    auth: null,
    clock: realClock,
    log: silent,
  });

function storeAt(chroot: string): ZooKeeperStore {
  return createZooKeeperStore({ session: sessionAt(chroot), hosts: chroot, clock: realClock, log: silent });
}

async function opened(chroot: string): Promise<ZooKeeperStore> {
  const store = storeAt(chroot);
  await store.open();
  return store;
}

describe.skipIf(zookeeperMissing !== null)('with ZooKeeper', () => {
  beforeAll(async () => {
    zookeeper = await ZooKeeper.start({ nodes: 1, tickMs: 100 });
  }, 60_000);
  afterAll(() => zookeeper.stop());

  storeConformance('zookeeper', async () => {
    const chroot = `store-${++chroots}`;
    return {
      open: () => opened(chroot),
      cleanup: async () => undefined,
      shared: true,
      cutsAtCommit: false,
    };
  });

  storeConformance('zookeeper, with everything in the tables', async () => {
    const chroot = `tables-${++chroots}`;
    return {
      open: async () => {
        const store = await opened(chroot);
        const commit: ZooKeeperStore['commit'] = async (term, groups) => {
          await store.commit(term, groups);
          await store.checkpoint();
        };
        return { ...store, commit };
      },
      cleanup: async () => undefined,
      shared: true,
      cutsAtCommit: false,
    };
  });

  electionConformance('zookeeper', async () => {
    const chroot = `election-${++chroots}`;
    const stores: ZooKeeperStore[] = [];
    return {
      candidate: async (): Promise<Election> => {
        const session = sessionAt(chroot);
        const store = createZooKeeperStore({ session, hosts: chroot, clock: realClock, log: silent });
        await store.open();
        stores.push(store);
        return createZooKeeperElection({
          session,
          self: { ...testMember, id: `node-${stores.length}` },
          host: '127.0.0.1',
          clock: realClock,
          log: silent,
        });
      },
      cleanup: async () => {
        for (const store of stores) await store.close();
      },
    };
  });

  test('a checkpoint bounds what is kept of a job, and loses nothing newer', async () => {
    const store = await opened(`bounds-${++chroots}`);
    const term = await store.campaign();
    for (let i = 0; i < 40; i++) {
      const runs = Array.from({ length: 100 }, (_, k): Write[] => [
        {
          kind: 'run-ended',
          run: run('a', i * 100 + k, { state: 'succeeded', endedAt: 1 }),
        },
      ]);
      await store.commit(term, [[{ kind: 'job', job: { ...job('a'), revision: i + 1 } }], ...runs]);
      await store.checkpoint();
    }
    const { items } = await store.archive.runs({ job: 'a', limit: 10_000 });
    expect(items.length).toBeGreaterThanOrEqual(3_200);
    expect(items.length).toBeLessThanOrEqual(3_600);
    expect(items[0]?.id).toBe('a.3999');
    expect(await store.archive.run('a.0')).toBeNull();
    expect(await store.archive.revisions('a')).toHaveLength(40);
    await store.close();
  });

  test('a follower that missed more than the log holds is told to load anew', async () => {
    const chroot = `gap-${++chroots}`;
    const store = await opened(chroot);
    const term = await store.campaign();
    const proxy = await TcpProxy.to(zookeeper.servers[0] as ZooKeeperServer);
    const session = createZooKeeperSession({
      hosts: `127.0.0.1:${proxy.port}/${chroot}`,
      sessionTimeoutMs: SESSION_MS,
      auth: null,
      clock: realClock,
      log: silent,
    });
    const other = createZooKeeperStore({ session, hosts: chroot, clock: realClock, log: silent });
    await other.open();
    let gaps = 0;
    other.watch({ onWrites: () => undefined, onGap: () => (gaps += 1) });
    proxy.shut();
    for (let i = 0; i < 4; i++) {
      await store.commit(term, [[{ kind: 'job', job: job(`j${i}`) }]]);
      await store.checkpoint();
    }
    await proxy.open();
    await until('the gap is told', () => gaps === 1);
    const names: string[] = [];
    for await (const items of other.load())
      for (const item of items) if (item.kind === 'job') names.push(item.job.name);
    expect(names.sort()).toEqual(['j0', 'j1', 'j2', 'j3']);
    await other.close();
    await store.close();
    proxy.shut();
  });
});
