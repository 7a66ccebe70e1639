/** What a node of several keeps in its data directory about itself: who it is, and which installation it was of. */

import { randomUUID } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CarillonError } from '../errors.ts';
import { diskProblem } from '../store/disk-problem.ts';
import { replaceFile } from '../store/durable-file.ts';

/**
 * Jobs of other users pass through it to their own folders; what else is in it is the scheduler's alone.
 * STORE_UNAVAILABLE where it can't be made or written.
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

/** Step by step: asked for all at once, Node never comes back from a parent in which nothing can be made (`/proc/x`). */
function makeFolders(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  if (dirname(path) !== path) makeFolders(dirname(path));
  mkdirSync(path, { mode: 0o711 });
}

/** Launches of this host's own engine are known by it. STORE_DAMAGED: it was there and cannot be read. */
export function nodeId(dataDir: string): string {
  const file = join(dataDir, 'node-id');
  if (!existsSync(file)) replaceFile(file, `${randomUUID()}\n`);
  const id = readFileSync(file, 'utf8').trim();
  if (/^[\w-]{1,64}$/.test(id)) return id;
  throw new CarillonError(
    'STORE_DAMAGED',
    `${file} does not hold the id of a node. Write back the id that it had, as GET /api/v1/cluster of another node shows it; or delete the file to be a new node, to which the old one's processes are lost.`,
    { field: 'dataDir', value: file },
  );
}

const installationFile = (dataDir: string): string => join(dataDir, 'zookeeper.json');

/** The installation that this node found at these hosts when it was last there; null where it never was. */
export function knownInstallation(dataDir: string, hosts: string): string | null {
  try {
    const known = JSON.parse(readFileSync(installationFile(dataDir), 'utf8')) as Record<string, unknown>;
    return known.hosts === hosts && typeof known.installation === 'string' ? known.installation : null;
  } catch {
    // Without it, or with one that cannot be read, the node is as careful as a new one.
    return null;
  }
}

export function noteInstallation(dataDir: string, hosts: string, installation: string): void {
  if (knownInstallation(dataDir, hosts) === installation) return;
  const about =
    'Written by Carillon: the installation that this node found in ZooKeeper. It makes no new one where that is gone.';
  replaceFile(installationFile(dataDir), `${JSON.stringify({ about, hosts, installation }, null, 2)}\n`);
}
