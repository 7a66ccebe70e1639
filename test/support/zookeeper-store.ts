/** Stores below a path of their own in a test's ZooKeeper; `connect` is the address of its servers. */

import { realClock } from '../../src/node/clock.ts';
import type { Log } from '../../src/scheduler/ports.ts';
import { createZooKeeperStore, type ZooKeeperStore } from '../../src/store/zookeeper/store.ts';
import { createZooKeeperSession, type ZooKeeperSession } from '../../src/store/zookeeper/wire/session.ts';

export const silent: Log = { info() {}, warn() {}, error() {}, debug() {} };

export const sessionMs = 2_000;

/** `create` is that of another release's modules, where a test mocks them. */
export function sessionBelow(
  connect: string,
  chroot: string,
  create = createZooKeeperSession,
): ZooKeeperSession {
  return create({
    hosts: `${connect}/${chroot}`,
    sessionTimeoutMs: sessionMs,
    auth: null,
    clock: realClock,
    log: silent,
  });
}

export function storeBelow(chroot: string, session: ZooKeeperSession): ZooKeeperStore {
  return createZooKeeperStore({ session, hosts: chroot, clock: realClock, log: silent });
}

export async function openStoreBelow(connect: string, chroot: string): Promise<ZooKeeperStore> {
  const store = storeBelow(chroot, sessionBelow(connect, chroot));
  await store.open();
  return store;
}
