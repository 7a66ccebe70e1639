/** Takes over the state in ZooKeeper that everybody may change. */

import { protectTree } from '../../store/zookeeper/protect.ts';
import { unavailable } from '../../store/zookeeper/tail.ts';
import { createZooKeeperSession } from '../../store/zookeeper/wire/session.ts';
import { realClock } from '../clock.ts';
import type { Protect } from '../restore-options.ts';
import { zooKeeperLogin } from './login.ts';

const SESSION_TIMEOUT_MS = 10_000;

export const protectZooKeeper: Protect = async ({ zk, ...files }, onProgress) => {
  const session = createZooKeeperSession({
    hosts: zk,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    ...zooKeeperLogin(files),
    clock: realClock,
    // Errors are thrown.
    log: { info() {}, warn() {}, error() {}, debug() {} },
  });
  try {
    await session.start();
    return await protectTree(session, zk, onProgress);
  } catch (error) {
    throw unavailable(error);
  } finally {
    await session.close();
  }
};
