/** What somebody gets of a state in ZooKeeper who should get nothing. Paths are absolute. */

import type { ZooKeeperSession } from '../../src/store/zookeeper/wire/session.ts';

/** Paths at a time. */
const atOnce = 32;

/** The servers' own folder. */
const notOurs = '/zookeeper';

/** The path, and all that is below it. What is removed meanwhile may be left out. */
export async function treeBelow(owner: ZooKeeperSession, path: string): Promise<string[]> {
  if (path === notOurs) return [];
  const names = await owner.children(path).catch((error: { code?: string }) => {
    if (error.code === 'NO_NODE') return null;
    throw error;
  });
  if (names === null) return [];
  const below = await Promise.all(
    names.map((name) => treeBelow(owner, `${path === '/' ? '' : path}/${name}`)),
  );
  return [path, ...below.flat()];
}

/** Everything that the outsider can do to one of the paths besides asking whether it exists. Empty: nothing. */
export async function allowedTo(
  outsider: ZooKeeperSession,
  owner: ZooKeeperSession,
  tree: readonly string[],
): Promise<string[]> {
  const allowed: string[] = [];
  for (let at = 0; at < tree.length; at += atOnce) {
    const found = await Promise.all(
      tree.slice(at, at + atOnce).map((path) => allowedAt(outsider, path, path === tree[0])),
    );
    for (const [i, acts] of found.entries())
      if (acts.length > 0 && (await owner.exists(tree[at + i] as string))) allowed.push(...acts);
  }
  return allowed;
}

/** The first one of a tree belongs to somebody else's folder, so it is removed by whoever may, if it is empty. */
async function allowedAt(outsider: ZooKeeperSession, path: string, isFirst: boolean): Promise<string[]> {
  const data = Buffer.from('x');
  const tries: Record<string, () => Promise<unknown>> = {
    read: () => outsider.get(path),
    list: () => outsider.children(path),
    'read many': () => outsider.getMany([path]),
    'read who may': () => outsider.isOpen(path),
    write: () => outsider.multi([{ kind: 'set', path, data, version: null }]),
    create: () => outsider.create(`${path}/mine`, data),
    'create many': () => outsider.multi([{ kind: 'create', path: `${path}/mine`, data }]),
    stand: () => outsider.create(`${path}/n_`, data, 'ephemeral-sequential'),
    ...(outsider.isGuarded && { protect: () => outsider.protect(path) }),
    ...(!isFirst && { remove: () => outsider.multi([{ kind: 'remove', path, version: null }]) }),
  };
  const ends = await Promise.all(
    Object.entries(tries).map(async ([what, act]) => {
      const end = await act().then(
        () => 'done',
        (error: { code?: string }) => error.code,
      );
      return end === 'NO_AUTH' ? [] : [`${what} ${path}: ${end}`];
    }),
  );
  return ends.flat();
}
