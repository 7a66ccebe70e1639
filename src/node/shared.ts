/** What all nodes of the installation share (the store), and how this node takes part in the election. */

import { join } from 'node:path';
import type { Election, Log, Member, Store } from '../scheduler/ports.ts';
import { createSoloElection } from '../store/election-solo.ts';
import { createEmbeddedStore } from '../store/embedded/store.ts';
import { createZooKeeperElection } from '../store/zookeeper/election.ts';
import { createZooKeeperStore } from '../store/zookeeper/store.ts';
import { createZooKeeperSession } from '../store/zookeeper/wire/session.ts';
import { realClock } from './clock.ts';
import type { Config } from './config.ts';
import { knownInstallation } from './files.ts';
import { zooKeeperLogin } from './zookeeper/login.ts';

/** Returns a command line that passes only the first `count` file descriptors to a child. */
export type Bare = (count: number, argv: readonly [string, ...string[]]) => readonly [string, ...string[]];

export interface Shared {
  readonly store: Store;
  readonly election: (self: Member) => Election;
}

export function createShared(config: Config, log: Log, bare: Bare): Shared {
  const { zk, host, dataDir, auditRetention: keepMs } = config;
  if (zk === null) {
    const store = createEmbeddedStore({ dir: join(dataDir, 'store'), bare, keepMs });
    return { store, election: (self) => createSoloElection(store, self) };
  }
  const clock = realClock;
  const session = createZooKeeperSession({
    hosts: zk,
    sessionTimeoutMs: config.zkSessionTimeout,
    ...zooKeeperLogin(config),
    clock,
    log,
  });
  const known = knownInstallation(dataDir, zk);
  return {
    store: createZooKeeperStore({ session, hosts: zk, known, clock, log, keepMs }),
    election: (self) => createZooKeeperElection({ session, self, host, clock, log }),
  };
}
