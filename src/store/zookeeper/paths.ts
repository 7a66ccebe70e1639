/**
 * The layout of the store in ZooKeeper. Each table has one readable node per job, in one of 256 folders by
 * hash, so that no folder becomes huge. Recent commits are in the log.
 */

import { hash53 } from '../../scheduler/job/hash.ts';
import type { Names, PastKind, PresentKind } from '../../scheduler/records/kind.ts';
import { pastKinds, presentKinds } from '../../scheduler/records/stored.ts';
import type { PastName, PresentName } from '../../scheduler/records/table.ts';

export const paths = {
  /**
   * The format of the records; created last for a new installation. A release refuses a format newer than it
   * knows.
   */
  layout: '/layout',
  /** Called so in stores of all releases. */
  installation: '/cluster',
  /** Exists during a restore, and after an interrupted one: no scheduler starts. */
  restoring: '/restoring',
  /** Its version is the term; its value names the elected node. */
  epoch: '/epoch',
  /** Number of the newest log segment. */
  head: '/head',
  /** Number of the newest segment that the tables contain. */
  checkpoint: '/checkpoint',
  /** Removed jobs whose past is still kept. */
  removed: '/removed',
  log: '/log',
  election: '/election',
} as const;

type Present = readonly [PresentName, PresentKind<unknown>];
type Past = readonly [PastName, PastKind<unknown>];

/** Kinds of one folder share a node per key, or per owner. */
function byFolder<N extends string, K extends Names>(
  kinds: ReadonlyMap<N, K>,
): ReadonlyMap<string, readonly (readonly [N, K])[]> {
  const folders = new Map<string, (readonly [N, K])[]>();
  for (const each of kinds) {
    const folder = each[1].folder ?? each[1].table;
    folders.set(folder, [...(folders.get(folder) ?? []), each]);
  }
  return folders;
}

export const presentFolders: ReadonlyMap<string, readonly Present[]> = byFolder(presentKinds);
export const pastFolders: ReadonlyMap<string, readonly Past[]> = byFolder(pastKinds);
export const folders: readonly string[] = [...presentFolders.keys(), ...pastFolders.keys()];

/** The name of a kind in a shared node. */
export const fieldOf = ({ field, table }: Names): string => field ?? table;

export const folderOf = (kind: PastName): string => {
  const { folder, table } = pastKinds.get(kind) as Names;
  return folder ?? table;
};

/** The folder of the past that is removed some time after its owner, and the kind of the owner. */
export const owned: { readonly folder: string; readonly of: PresentName } = (() => {
  const [name, { of }] = [...pastKinds].find((each) => each[1].of !== undefined) as Past;
  return { folder: folderOf(name), of: of as PresentName };
})();

const SHARDS = 256;

export const shards: readonly string[] = Array.from({ length: SHARDS }, (_, i) =>
  i.toString(16).padStart(2, '0'),
);

export function tablePath(folder: string, key: string): string {
  return `/${folder}/${shards[hash53(key) % SHARDS]}/${nodeName(key)}`;
}

export const segmentPath = (seq: number): string => `${paths.log}/${seq}`;

/** Job names and run ids are used as node names, except two that mean folders. */
function nodeName(key: string): string {
  return key === '.' || key === '..' ? key.replaceAll('.', '%2E') : key;
}

export function keyOf(name: string): string {
  return name.replaceAll('%2E', '.');
}
