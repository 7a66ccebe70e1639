/**
 * Who may reach the nodes of an installation. What a session with a login creates is accessible with this login only. A
 * tree that others may change is refused, until it is taken over as a whole.
 */

import { CarillonError } from '../../errors.ts';
import { folders, paths } from './paths.ts';
import type { ZooKeeperSession } from './wire/session.ts';

/** Exists while a tree is taken over, and after an interruption. */
const takingOver = '/protecting';
/** The servers' own folder. */
const notOurs = 'zookeeper';
/** Requests at a time. */
const atOnce = 64;

const top = [
  ...Object.values(paths).filter((path) => path !== paths.restoring),
  ...folders.map((folder) => `/${folder}`),
];

/**
 * Where everybody may create nodes, everybody may also remove those without children: a new installation takes its path
 * for itself. INVALID_FIELD if others use it.
 */
export async function claim(session: ZooKeeperSession, hosts: string): Promise<void> {
  if (!session.isGuarded || !(await session.isOpen('/'))) return;
  const others = (await session.children('/')).filter((name) => name !== notOurs);
  // Another node of the installation may have taken the path in between.
  if (others.length > 0 && !(await session.isOpen('/'))) return;
  if (others.length > 0)
    throw refused(
      hosts,
      `has something of others already (${others.slice(0, 5).join(', ')})`,
      'Use a path of its own',
    );
  await session.protect('/');
}

/** INVALID_FIELD if others may change what is there. */
export async function refuseOpen(session: ZooKeeperSession, hosts: string): Promise<void> {
  if (!session.isGuarded) return;
  const open = await Promise.all(['/', ...top].map((path) => session.isOpen(path)));
  if (!open.includes(true) && !(await session.exists(takingOver))) return;
  throw refused(
    hosts,
    'can be changed by others than its nodes',
    'Stop all nodes, and take it over with: carillon zk protect',
  );
}

const refused = (hosts: string, what: string, how: string): CarillonError =>
  new CarillonError('INVALID_FIELD', `The state in ZooKeeper at ${hosts} ${what}. ${how}.`, {
    field: 'zk',
    value: hosts,
  });

async function refuseUsed(session: ZooKeeperSession, hosts: string): Promise<void> {
  if ((await session.children(paths.election)).length === 0) return;
  throw new CarillonError(
    'STORE_IN_USE',
    `Nodes use the state in ZooKeeper at ${hosts}. Stop them first; one that was killed is gone when its session has expired.`,
    { field: 'zk', value: hosts },
  );
}

/**
 * Takes a whole tree over for the login of this session: each node before its children, so that nobody else creates any in
 * between. It may be interrupted and repeated. Returns the number of nodes. STORE_IN_USE while nodes run.
 */
export async function protectTree(
  session: ZooKeeperSession,
  hosts: string,
  onProgress: (nodes: number) => void,
): Promise<number> {
  if (!(await session.exists(paths.installation)))
    throw refused(hosts, 'is no installation', 'Check the path');
  await refuseUsed(session, hosts);
  await session.protect('/');
  if (!(await session.exists(takingOver))) await session.create(takingOver, new Uint8Array());
  await session.protect(paths.election);
  // One may have come in between. From now on none can.
  await refuseUsed(session, hosts);
  let nodes = 1;
  let level = (await session.children('/')).filter((name) => name !== notOurs).map((name) => `/${name}`);
  while (level.length > 0) {
    const below: string[] = [];
    for (let at = 0; at < level.length; at += atOnce) {
      const some = level.slice(at, at + atOnce);
      await Promise.all(some.map((path) => session.protect(path)));
      const children = await Promise.all(some.map((path) => session.children(path)));
      children.forEach((names, i) => {
        for (const name of names) below.push(`${some[i]}/${name}`);
      });
      nodes += some.length;
      onProgress(nodes);
    }
    level = below;
  }
  await session.multi([{ kind: 'remove', path: takingOver, version: null }]);
  return nodes - 1;
}
