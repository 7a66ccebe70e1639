/** Reads a whole table in ZooKeeper in portions: not a snapshot. */

import type { Stored, StoredRecord } from '../../scheduler/records/kind.ts';
import { fieldOf, keyOf, presentFolders, shards } from './paths.ts';
import type { ZooKeeperSession } from './wire/session.ts';

/** Nodes per read. */
const CHUNK = 2_000;

export async function* readTable(
  session: ZooKeeperSession,
  folder: string,
  chunk = CHUNK,
): AsyncIterable<(readonly [key: string, json: string])[]> {
  const all = await namesIn(session, folder);
  for (let at = 0; at < all.length; at += chunk) {
    const some = all.slice(at, at + chunk);
    const nodes = await session.getMany(some.map(({ path }) => path));
    yield some.flatMap(({ key }, i) => {
      const node = nodes[i] ?? null;
      // Removed since its name was read: the log has the change.
      return node === null ? [] : [[key, node.data.toString()] as const];
    });
  }
}

export async function namesIn(
  session: ZooKeeperSession,
  folder: string,
): Promise<{ readonly path: string; readonly key: string }[]> {
  const names = await Promise.all(
    shards.map(async (shard) =>
      (await session.children(`/${folder}/${shard}`)).map((name) => ({
        path: `/${folder}/${shard}/${name}`,
        key: keyOf(name),
      })),
    ),
  );
  return names.flat();
}

/** Records in a node of present records: one, or one per kind that shares the folder. */
export function recordsIn(folder: string, key: string, json: string): StoredRecord[] {
  const stored = JSON.parse(json) as Stored;
  const kinds = presentFolders.get(folder) ?? [];
  if (kinds.length === 1) return kinds.map(([name]) => [name, key, stored]);
  return kinds.flatMap(([name, kind]): StoredRecord[] => {
    const value = stored[fieldOf(kind)] as Stored | undefined;
    return value === undefined ? [] : [[name, key, value]];
  });
}
