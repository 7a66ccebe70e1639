/**
 * How the store lies in ZooKeeper. What is kept of a job is one readable node in each table, in one of 256
 * folders by hash, so that no folder grows huge; what was committed lately is in the log.
 */

import { hash53 } from '../../scheduler/model/ids.ts';

/** Of nodes and their meaning; an installation with another one is refused. Values have a version of their own. */
export const LAYOUT = 1;

export const paths = {
  /** Made last when an installation is made. */
  layout: '/layout',
  cluster: '/cluster',
  /** There while a backup is being restored, and after a restore that was interrupted: no scheduler starts. */
  restoring: '/restoring',
  /** Its version is the term; its value says who was elected. */
  epoch: '/epoch',
  /** Number of the newest segment of the log. */
  head: '/head',
  /** Number of the newest segment that the tables have. */
  checkpoint: '/checkpoint',
  /** Removed jobs whose past is still kept. */
  removed: '/removed',
  log: '/log',
  election: '/election',
} as const;

export const tables = ['jobs', 'state', 'runs', 'history'] as const;
export type Table = (typeof tables)[number];

const SHARDS = 256;

export const shards: readonly string[] = Array.from({ length: SHARDS }, (_, i) =>
  i.toString(16).padStart(2, '0'),
);

export function tablePath(table: Table, key: string): string {
  return `/${table}/${shards[hash53(key) % SHARDS]}/${nodeName(key)}`;
}

export const segmentPath = (seq: number): string => `${paths.log}/${seq}`;

/** Names of jobs and ids of runs are node names, but for two that mean folders. */
function nodeName(key: string): string {
  return key === '.' || key === '..' ? key.replaceAll('.', '%2E') : key;
}

export function keyOf(name: string): string {
  return name.replaceAll('%2E', '.');
}
