/** The nodes that an installation begins with. `layout` is not among them: whoever makes one makes it last. */

import { paths, shards, tables } from './zookeeper-paths.ts';
import { ZooKeeperError, type ZooKeeperSession } from './zookeeper-session.ts';

/** Several nodes may do it at once: what is there stays. */
export async function makeFolders(session: ZooKeeperSession, installation: string): Promise<void> {
  await makeNode(session, paths.cluster, installation);
  await makeNode(session, paths.removed, '[]');
  for (const path of [paths.epoch, paths.log, paths.election]) await makeNode(session, path);
  for (const path of [paths.head, paths.checkpoint]) await makeNode(session, path, '0');
  for (const table of tables) {
    await makeNode(session, `/${table}`);
    await Promise.all(shards.map((shard) => makeNode(session, `/${table}/${shard}`)));
  }
}

export async function makeNode(session: ZooKeeperSession, path: string, data = ''): Promise<void> {
  try {
    await session.create(path, Buffer.from(data));
  } catch (error) {
    if (!(error instanceof ZooKeeperError && error.code === 'NODE_EXISTS')) throw error;
  }
}
