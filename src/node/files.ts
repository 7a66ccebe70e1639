/** Files of a cluster node in its data directory: its id, and the installation that it belongs to. */

import { randomUUID } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CarillonError } from '../errors.ts';
import { diskProblem } from '../store/disk-problem.ts';
import { replaceFile } from '../store/durable-file.ts';

/**
 * Jobs of other users pass through it to their own folders; what else is in it is the scheduler's alone.
 * STORE_UNAVAILABLE where it cannot be made or written.
 */
export function makeDataDir(dataDir: string): void {
  try {
    makeFolders(dataDir);
    // One that exists would fail at some later write, in words that do not name the cause.
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new CarillonError(
      'STORE_UNAVAILABLE',
      `The data directory ${dataDir} cannot be written: ${diskProblem(error)}. Make it writable for the user that runs Carillon, or choose another one with --data-dir.`,
      { field: 'dataDir', value: dataDir },
    );
  }
}

/**
 * Creates each level separately: a recursive mkdir in Node.js never returns if a parent allows no children
 * (`/proc/x`).
 */
function makeFolders(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  if (dirname(path) !== path) makeFolders(dirname(path));
  mkdirSync(path, { mode: 0o711 });
}

/**
 * The node's id, which marks the launches of this host's own engine. STORE_DAMAGED if the file exists but
 * cannot be read.
 */
export function nodeId(dataDir: string): string {
  const file = join(dataDir, 'node-id');
  if (!existsSync(file)) replaceFile(file, `${randomUUID()}\n`);
  const id = readFileSync(file, 'utf8').trim();
  if (/^[\w-]{1,64}$/.test(id)) return id;
  throw new CarillonError(
    'STORE_DAMAGED',
    `${file} does not contain a node id. Restore its previous content, which GET /api/v1/cluster of ` +
      'another node shows. Or delete the file to create a new node; the processes of the old one are ' +
      'then lost.',
    { field: 'dataDir', value: file },
  );
}

const installationFile = (dataDir: string): string => join(dataDir, 'zookeeper.json');

/** The installation that this node last found at these hosts, or null if it never connected. */
export function knownInstallation(dataDir: string, hosts: string): string | null {
  try {
    const known = JSON.parse(readFileSync(installationFile(dataDir), 'utf8')) as Record<string, unknown>;
    return known.hosts === hosts && typeof known.installation === 'string' ? known.installation : null;
  } catch {
    // Without the file, or with an unreadable one, the node is as careful as a new one.
    return null;
  }
}

export function noteInstallation(dataDir: string, hosts: string, installation: string): void {
  if (knownInstallation(dataDir, hosts) === installation) return;
  const about =
    'Written by Carillon: the installation that this node found in ZooKeeper. If that is gone, the ' +
    'node creates no new one.';
  replaceFile(installationFile(dataDir), `${JSON.stringify({ about, hosts, installation }, null, 2)}\n`);
}
