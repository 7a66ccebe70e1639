/** The initial nodes of an installation. `layout` is not among them: it is created last. */

import { CarillonError } from '../../errors.ts';
import { folders, paths, shards } from './paths.ts';
import { ZooKeeperError, type ZooKeeperSession } from './wire/session.ts';

/**
 * STORE_NOT_EMPTY if other software has nodes with the names that an installation uses: they would be
 * mistaken for its own, and removed. An installation's own nodes are never refused: its first node is
 * `/cluster`, which is checked last.
 */
export async function refuseOthers(session: ZooKeeperSession, hosts: string): Promise<void> {
  const names = [paths.removed, paths.epoch, paths.log, paths.election, paths.head, paths.checkpoint];
  const wanted = [...names, ...folders.map((folder) => `/${folder}`)];
  const there = await Promise.all(wanted.map((path) => session.exists(path)));
  const taken = wanted.filter((_, index) => there[index]);
  if (taken.length === 0 || (await session.exists(paths.installation))) return;
  throw new CarillonError(
    'STORE_NOT_EMPTY',
    `ZooKeeper at ${hosts} contains ${taken.join(', ')}, which is not from a Carillon installation. ` +
      'Nothing was changed. Use a separate path, such as --zk zk1:2181/carillon.',
    { field: 'zk', value: hosts },
  );
}

/** Several nodes may do it at once: existing nodes stay. */
export async function makeFolders(session: ZooKeeperSession, installation: string): Promise<void> {
  await makeNode(session, paths.installation, installation);
  await makeNode(session, paths.removed, '[]');
  for (const path of [paths.epoch, paths.log, paths.election]) await makeNode(session, path);
  for (const path of [paths.head, paths.checkpoint]) await makeNode(session, path, '0');
  await makeTables(session);
}

/** Also if an earlier release created the installation, which knew fewer kinds of records. */
export async function makeTables(session: ZooKeeperSession): Promise<void> {
  for (const folder of folders) {
    await makeNode(session, `/${folder}`);
    const there = new Set(await session.children(`/${folder}`));
    const missing = shards.filter((shard) => !there.has(shard));
    await Promise.all(missing.map((shard) => makeNode(session, `/${folder}/${shard}`)));
  }
}

export async function makeNode(session: ZooKeeperSession, path: string, data = ''): Promise<void> {
  try {
    await session.create(path, Buffer.from(data));
  } catch (error) {
    if (!(error instanceof ZooKeeperError && error.code === 'NODE_EXISTS')) throw error;
  }
}
