/** A whole table in ZooKeeper, some nodes at a time: not one moment's picture. */

import { keyOf, shards, type Table } from './paths.ts';
import type { ZooKeeperSession } from './wire/session.ts';

/** Nodes read at a time. */
const CHUNK = 2_000;

export async function* readTable(
  session: ZooKeeperSession,
  table: Table,
  chunk = CHUNK,
): AsyncIterable<(readonly [key: string, json: string])[]> {
  const all = await namesIn(session, table);
  for (let at = 0; at < all.length; at += chunk) {
    const some = all.slice(at, at + chunk);
    const nodes = await session.getMany(some.map(({ path }) => path));
    yield some.flatMap(({ key }, i) => {
      const node = nodes[i] ?? null;
      // Gone since its name was read: the log says what became of it.
      return node === null ? [] : [[key, node.data.toString()] as const];
    });
  }
}

export async function namesIn(
  session: ZooKeeperSession,
  table: Table,
): Promise<{ readonly path: string; readonly key: string }[]> {
  const names = await Promise.all(
    shards.map(async (shard) =>
      (await session.children(`/${table}/${shard}`)).map((name) => ({
        path: `/${table}/${shard}/${name}`,
        key: keyOf(name),
      })),
    ),
  );
  return names.flat();
}
