/** The store and the election of several nodes, against real servers. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { realClock } from '../../../src/node/clock.ts';
import type { Election, Log } from '../../../src/scheduler/ports.ts';
import type { Write } from '../../../src/scheduler/records/table.ts';
import { createZooKeeperElection } from '../../../src/store/zookeeper/election.ts';
import { createZooKeeperStore, type ZooKeeperStore } from '../../../src/store/zookeeper/store.ts';
import { electionConformance } from '../../conformance/election.ts';
import { job, run, storeConformance } from '../../conformance/store.ts';
import { testMember } from '../../support/rig.ts';
import { until } from '../../support/until.ts';
import { ZooKeeper, zookeeperMissing } from '../../support/zookeeper.ts';
import { ZooKeeperProxy } from '../../support/zookeeper-proxy.ts';
import { sessionBelow, sessionMs, silent, storeBelow } from '../../support/zookeeper-store.ts';

let zookeeper: ZooKeeper;
let chroots = 0;

const sessionAt = (chroot: string, connect = zookeeper.connect) => sessionBelow(connect, chroot);

const storeAt = (chroot: string, session = sessionAt(chroot)): ZooKeeperStore => storeBelow(chroot, session);

/** A door to the server that can be shut. */
async function proxied(): Promise<ZooKeeperProxy> {
  const proxy = new ZooKeeperProxy(zookeeper.servers[0]?.port ?? 0);
  await proxy.start();
  return proxy;
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

  test('an installation that is gone is not made again by a node that knew it', async () => {
    const session = sessionAt('gone');
    const parts = { session, hosts: 'zk/gone', clock: realClock, log: silent };
    await expect(createZooKeeperStore({ ...parts, known: 'the-one' }).open()).rejects.toMatchObject({
      code: 'STORE_DAMAGED',
      message: expect.stringMatching(
        /contains no installation, but the-one was there before.*carillon restore FILE --zk/,
      ),
    });
    expect(session.state).toBe('closed');
    const store = await opened('gone');
    const known = await store.installation();
    await store.close();
    const again = createZooKeeperStore({ ...parts, session: sessionAt('gone'), known });
    await again.open();
    await again.close();
  });

  electionConformance('zookeeper', async () => {
    const chroot = `election-${++chroots}`;
    const stores: ZooKeeperStore[] = [];
    return {
      candidate: async (): Promise<Election> => {
        const session = sessionAt(chroot);
        const store = storeAt(chroot, session);
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
    for (let i = 0; i < 80; i++) {
      const runs = Array.from({ length: 100 }, (_, k): Write[] => [
        {
          kind: 'run-ended',
          value: run('a', i * 100 + k, { state: 'succeeded', endedAt: 1 }),
        },
      ]);
      await store.commit(term, [[{ kind: 'job', value: { ...job('a'), revision: i + 1 } }], ...runs]);
      await store.checkpoint();
    }
    const { items } = await store.archive.runs({ job: 'a', limit: 10_000 });
    expect(items.length).toBeGreaterThanOrEqual(6_400);
    expect(items.length).toBeLessThanOrEqual(7_200);
    expect(items[0]?.id).toBe('a.7999');
    expect(await store.archive.run('a.0')).toBeNull();
    expect((await store.archive.revisions('a')).map((each) => each.revision)).toEqual(
      Array.from({ length: 20 }, (_, i) => 80 - i),
    );
    await store.close();
  });

  test('a node that starts while the connection breaks goes on when it is back', async () => {
    const chroot = `start-${++chroots}`;
    const proxy = await proxied();
    proxy.cutAfter(2_000);
    const session = sessionAt(chroot, proxy.connect);
    const store = storeAt(chroot, session);
    await store.open();
    const term = await store.campaign();
    await store.commit(term, [[{ kind: 'job', value: job('a') }]]);
    proxy.cutAfter(2_000);
    const names: string[] = [];
    for await (const items of store.load())
      for (const item of items) if (item.kind === 'job') names.push(item.value.name);
    expect(names).toEqual(['a']);
    expect(proxy.taken).toBeGreaterThan(1);
    await store.close();
    await proxy.stop();
  });

  test('an ensemble that lost what it had committed is believed as it is, and the loss is told', async () => {
    const chroot = `lost-${++chroots}`;
    const store = await opened(chroot);
    const told: string[] = [];
    const session = sessionAt(chroot);
    const log: Log = { ...silent, error: (_, event) => told.push(event) };
    const other = createZooKeeperStore({ session, hosts: chroot, clock: realClock, log });
    await other.open();
    let gaps = 0;
    const watching = other.watch({ onWrites: () => undefined, onGap: () => (gaps += 1) });
    const term = await store.campaign();
    for (let i = 0; i < 4; i++) await store.commit(term, [[{ kind: 'job', value: job(`old${i}`) }]]);
    await watching.caughtUp();
    await store.close();
    await session.multi([
      { kind: 'set', path: '/head', data: Buffer.from('2'), version: null },
      { kind: 'remove', path: '/log/3', version: null },
      { kind: 'remove', path: '/log/4', version: null },
    ]);
    await until('the gap is told', () => gaps === 1);
    expect(told).toEqual(['store.commits-lost']);
    const next = await opened(chroot);
    const newer = await next.campaign();
    await next.commit(newer, [[{ kind: 'job', value: job('new') }]]);
    for (const each of [next, other]) {
      const names: string[] = [];
      for await (const items of each.load())
        for (const item of items) if (item.kind === 'job') names.push(item.value.name);
      expect(names.sort()).toEqual(['new', 'old0', 'old1']);
    }
    await next.close();
    await other.close();
  });

  test('a job that runs more often between two checkpoints than is kept of it has its newest runs', async () => {
    const store = await opened(`often-${++chroots}`);
    const term = await store.campaign();
    for (let i = 0; i < 20; i++) {
      await store.commit(
        term,
        Array.from({ length: 500 }, (_, k): Write[] => [
          { kind: 'run-ended', value: run('a', i * 500 + k, { state: 'succeeded', endedAt: 1 }) },
        ]),
      );
    }
    await store.checkpoint();
    await store.checkpoint();
    await store.close();
    const again = await opened(`often-${chroots}`);
    const { items } = await again.archive.runs({ job: 'a', limit: 10_000 });
    expect(items.map(({ id }) => id)).toEqual(Array.from(items, (_, i) => `a.${9_999 - i}`));
    expect(items.length).toBeGreaterThanOrEqual(3_000);
    await again.close();
  });

  test('a follower that missed more than the log holds is told to load anew', async () => {
    const chroot = `gap-${++chroots}`;
    const store = await opened(chroot);
    const term = await store.campaign();
    const proxy = await proxied();
    const session = sessionAt(chroot, proxy.connect);
    const other = storeAt(chroot, session);
    await other.open();
    let gaps = 0;
    other.watch({ onWrites: () => undefined, onGap: () => (gaps += 1) });
    proxy.shut();
    for (let i = 0; i < 4; i++) {
      await store.commit(term, [[{ kind: 'job', value: job(`j${i}`) }]]);
      await store.checkpoint();
    }
    proxy.open();
    await until('the gap is told', () => gaps === 1);
    const names: string[] = [];
    for await (const items of other.load())
      for (const item of items) if (item.kind === 'job') names.push(item.value.name);
    expect(names.sort()).toEqual(['j0', 'j1', 'j2', 'j3']);
    await other.close();
    await store.close();
    await proxy.stop();
  });

  describe('when it is not known what became of commits', () => {
    const COMMITS = 60;

    /** Commits through a door that is shut while they are under way, and what became of each. */
    async function interrupted(
      shutMs: number,
    ): Promise<{ told: boolean[]; errors: unknown[]; kept: string[] }> {
      const chroot = `doubt-${++chroots}`;
      const proxy = await proxied();
      const session = sessionAt(chroot, proxy.connect);
      const store = storeAt(chroot, session);
      await store.open();
      const term = await store.campaign();
      const told: boolean[] = [];
      const errors: unknown[] = [];
      let sent = 0;
      let answered = 0;
      await new Promise<void>((resolve) => {
        const next = (): void => {
          if (answered === COMMITS) resolve();
          if (sent === COMMITS) return;
          const index = sent++;
          if (index === COMMITS / 2) {
            proxy.shut();
            realClock.after(shutMs, () => proxy.open());
          }
          const answer = (kept: boolean): void => {
            told[index] = kept;
            answered += 1;
            next();
          };
          store.commit(term, [[{ kind: 'job', value: job(`j${index}`) }]]).then(
            () => answer(true),
            (error: unknown) => {
              errors.push(error);
              answer(false);
            },
          );
        };
        for (let i = 0; i < 4; i++) next();
      });
      const witness = await opened(chroot);
      const kept: string[] = [];
      for await (const items of witness.load())
        for (const item of items) if (item.kind === 'job') kept.push(item.value.name);
      await witness.close();
      await store.close();
      await proxy.stop();
      return { told, errors, kept };
    }
    const names = (told: readonly boolean[]): string[] =>
      told.flatMap((kept, i) => (kept ? [`j${i}`] : [])).sort();

    test('a connection that comes back in time: all of them are kept, each once', async () => {
      const { told, errors, kept } = await interrupted(200);
      expect(errors).toEqual([]);
      expect(kept.sort()).toEqual(names(told));
      expect(kept).toHaveLength(COMMITS);
    }, 30_000);

    test('a session that ended: each is looked up, and told as it was', async () => {
      const { told, errors, kept } = await interrupted(3 * sessionMs);
      expect(errors.length).toBeGreaterThan(0);
      for (const error of errors) expect(error).toMatchObject({ code: 'NOT_LEADING' });
      expect(kept.sort()).toEqual(names(told));
    }, 30_000);

    test('a leader that was deposed while it was cut off writes nothing more', async () => {
      const chroot = `fence-${++chroots}`;
      const store = await opened(chroot);
      const old = await store.campaign();
      const other = await opened(chroot);
      await store.commit(old, [[{ kind: 'job', value: job('before') }]]);
      const late = Array.from({ length: 32 }, (_, i) =>
        store.commit(old, [[{ kind: 'job', value: job(`late${i}`) }]]).then(
          () => `late${i}`,
          () => null,
        ),
      );
      const term = await other.campaign();
      await other.commit(term, [[{ kind: 'job', value: job('after') }]]);
      const told = (await Promise.all(late)).filter((name) => name !== null);
      await expect(store.commit(old, [[{ kind: 'job', value: job('too-late') }]])).rejects.toMatchObject({
        code: 'NOT_LEADING',
      });
      await expect(store.checkpoint()).rejects.toThrow();
      const kept: string[] = [];
      for await (const items of other.load())
        for (const item of items) if (item.kind === 'job') kept.push(item.value.name);
      expect(kept.sort()).toEqual(['after', 'before', ...told].sort());
      await store.close();
      await other.close();
    });
  });

  describe('an election among several', () => {
    const members: { election: Election; store: ZooKeeperStore; terms: number[]; reasons: string[] }[] = [];
    afterEach(async () => {
      for (const { election, store } of members.splice(0)) {
        await election.stop();
        await store.close();
      }
    });
    const stand = async (chroot: string, id: string, hosts = zookeeper.connect) => {
      const session = sessionAt(chroot, hosts);
      const store = storeAt(chroot, session);
      await store.open();
      const self = { ...testMember, id };
      const election = createZooKeeperElection({
        session,
        self,
        host: '127.0.0.1',
        clock: realClock,
        log: silent,
      });
      const member = { election, store, terms: [] as number[], reasons: [] as string[] };
      election.onElected((term) => member.terms.push(term));
      election.onDeposed((reason) => member.reasons.push(reason));
      members.push(member);
      await election.start();
      return member;
    };

    test('elects one, and all know who', async () => {
      const chroot = `several-${++chroots}`;
      const a = await stand(chroot, 'a');
      const b = await stand(chroot, 'b');
      const c = await stand(chroot, 'c');
      await until('all know', () => [a, b, c].every(({ election }) => election.leader()?.id === 'a'));
      expect([a, b, c].map(({ terms }) => terms.length)).toEqual([1, 0, 0]);
      expect(c.election.members().map(({ id }) => id)).toEqual(['a', 'b', 'c']);
      expect(b.election.isFresh()).toBe(false);
    });

    test('elects the next when the leader leaves, under a larger term', async () => {
      const chroot = `several-${++chroots}`;
      const a = await stand(chroot, 'a');
      const b = await stand(chroot, 'b');
      await a.election.stop();
      await until('b leads', () => b.terms.length === 1);
      expect(b.terms[0]).toBeGreaterThan(a.terms[0] as number);
      expect(a.election.isFresh()).toBe(false);
    });

    test('a leader that leaves waits for nobody who watches it, and stands again', async () => {
      const chroot = `several-${++chroots}`;
      const a = await stand(chroot, 'a');
      const session = sessionAt(chroot);
      await session.start();
      const [own] = await session.children('/election');
      const node = await session.get(`/election/${own}`);
      await session.close();
      const { alive } = JSON.parse(node?.data.toString() ?? '') as { alive: { host: string; port: number } };
      // As one whose host stands still: its end is never closed.
      const guest = connect({ ...alive, allowHalfOpen: true });
      const [word] = await Promise.all([
        once(guest, 'data'),
        once(guest, 'connect').then(() => a.election.stop()),
      ]);
      expect(String(word)).toBe('left');
      await a.election.start();
      await until('a leads again', () => a.terms.length === 2);
      guest.destroy();
    });

    test('a leader that is cut off is no longer fresh before another is elected, and knows that it is deposed', async () => {
      const chroot = `several-${++chroots}`;
      const proxy = await proxied();
      const a = await stand(chroot, 'a', proxy.connect);
      const b = await stand(chroot, 'b');
      expect(a.election.isFresh()).toBe(true);
      let freshWhenElected: boolean | null = null;
      b.election.onElected((term) => {
        freshWhenElected = a.election.isFresh();
        b.terms.push(term);
      });
      proxy.shut();
      await until('b leads', () => b.terms.length === 1);
      expect(freshWhenElected).toBe(false);
      await until('a knows', () => a.reasons.length === 1);
      proxy.open();
      await until('a stands again', () => b.election.members().some(({ id }) => id === 'a'));
      expect(a.terms).toHaveLength(1);
      await proxy.stop();
    });

    test('a candidacy that somebody removed by mistake is taken up again behind the others', async () => {
      const chroot = `several-${++chroots}`;
      const a = await stand(chroot, 'a');
      const b = await stand(chroot, 'b');
      const session = sessionAt(chroot);
      await session.start();
      const [first] = (await session.children('/election')).sort();
      await session.multi([{ kind: 'remove', path: `/election/${first}`, version: null }]);
      await until('b leads', () => b.terms.length === 1);
      await until(
        'a follows',
        () =>
          b.election
            .members()
            .map(({ id }) => id)
            .join() === 'b,a',
      );
      expect(a.reasons).toHaveLength(1);
      expect(a.election.isFresh()).toBe(false);
      await session.close();
    });
  });
});
