/** Checkpoints of a past that is large between two of them, and of one that is too old, against a real server. */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realClock } from '../../../src/node/clock.ts';
import { AUDIT_OWNER } from '../../../src/scheduler/model/token.ts';
import type { PastName, Write } from '../../../src/scheduler/records/table.ts';
import { createZooKeeperStore, type ZooKeeperStore } from '../../../src/store/zookeeper/store.ts';
import { auditLine, ended, job, line } from '../../conformance/store.ts';
import { ZooKeeper, zookeeperMissing } from '../../support/zookeeper.ts';
import { openStoreBelow, sessionBelow, silent } from '../../support/zookeeper-store.ts';

/** Compressing it halves it at best. */
const text = (characters: number): string => randomBytes(characters / 2).toString('hex');
const reason = () => ({ code: 'text', text: text(2_000) }) as const;

const MINUTES_OF_A_DAY = 24 * 60;

describe.skipIf(zookeeperMissing !== null)('with ZooKeeper', () => {
  let zookeeper: ZooKeeper;
  let chroots = 0;
  beforeAll(async () => {
    zookeeper = await ZooKeeper.start({ nodes: 1, tickMs: 100 });
  }, 60_000);
  afterAll(() => zookeeper.stop());

  async function commitAll(store: ZooKeeperStore, term: number, writes: readonly Write[]): Promise<void> {
    for (let at = 0; at < writes.length; at += 100) await store.commit(term, [writes.slice(at, at + 100)]);
  }

  test.each<[PastName, string, (i: number) => Write]>([
    [
      'audit',
      AUDIT_OWNER,
      (i) => ({ kind: 'audit', value: auditLine(i, { after: { definition: text(2_000) } }) }),
    ],
    ['ledger', 'a', (i) => ({ kind: 'ledger', value: line('a', i, { reason: reason() }) })],
    ['run-ended', 'a', (i) => ({ kind: 'run-ended', value: ended('a', i, { reason: reason() }) })],
    [
      'revision',
      'a',
      (i) => ({ kind: 'job', value: { ...job('a', { description: text(100_000) }), revision: i + 1 } }),
    ],
  ])(
    'many large records of %s for one owner reach the tables',
    async (kind, owner, write) => {
      const chroot = `large-${++chroots}`;
      const store = await openStoreBelow(zookeeper.connect, chroot);
      const term = await store.campaign();
      const count = kind === 'revision' ? 25 : 3_000;
      const writes = Array.from({ length: count }, (_, i) => write(i));
      if (kind === 'revision') for (const each of writes) await store.commit(term, [[each]]);
      else await commitAll(store, term, writes);
      const before = await store.archive.past(kind, { owner });
      expect(before).toHaveLength(count);
      await store.checkpoint();
      await store.checkpoint();
      await store.close();

      const again = await openStoreBelow(zookeeper.connect, chroot);
      const kept = await again.archive.past(kind, { owner });
      await again.close();
      expect(kept).toEqual(before.slice(-kept.length));
      expect(kept.length).toBeGreaterThanOrEqual(kind === 'revision' ? 1 : count);
    },
    60_000,
  );

  test('lines of the audit that are too old leave the tables, a node at a time', async () => {
    const chroot = `old-${++chroots}`;
    const session = sessionBelow(zookeeper.connect, chroot);
    const store = createZooKeeperStore({
      ...{ session, hosts: chroot, clock: realClock, log: silent },
      keepMs: 86_400_000,
    });
    await store.open();
    const term = await store.campaign();
    const pieces = async (): Promise<number> => {
      let found = 0;
      for (const shard of await session.children('/audit'))
        for (const owner of await session.children(`/audit/${shard}`))
          found += (await session.children(`/audit/${shard}/${owner}`)).length;
      return found;
    };
    const add = async (from: number, count: number): Promise<void> => {
      const lines = Array.from({ length: count }, (_, i) => auditLine(from + i));
      await commitAll(
        store,
        term,
        lines.map((value) => ({ kind: 'audit', value })),
      );
      await store.checkpoint();
    };
    const ids = async (): Promise<readonly string[]> =>
      (await store.archive.past('audit', { owner: AUDIT_OWNER })).map(({ id }) => id);

    await add(0, 200);
    await add(200, 200);
    await add(400, 10);
    expect(await pieces()).toBe(2);
    expect(await ids()).toHaveLength(410);

    // All of the first piece is older than a day then, and half of the second.
    await add(300 + MINUTES_OF_A_DAY, 1);
    expect(await pieces()).toBe(1);
    const kept = await ids();
    expect(kept.at(-1)).toBe(auditLine(300 + MINUTES_OF_A_DAY).id);
    for (const id of [200, 300, 399, 400, 409].map((each) => auditLine(each).id)) expect(kept).toContain(id);
    expect(kept).not.toContain(auditLine(199).id);

    // In the node itself, each line goes when it is too old.
    await add(405 + MINUTES_OF_A_DAY, 1);
    expect(await pieces()).toBe(0);
    expect(await ids()).toEqual(
      [405, 406, 407, 408, 409, 300 + MINUTES_OF_A_DAY, 405 + MINUTES_OF_A_DAY].map(
        (each) => auditLine(each).id,
      ),
    );
    await store.close();
  });
});
