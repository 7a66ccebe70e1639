/**
 * Refuses a store that is missing, empty, cut off, damaged, of another installation or older than it was, before
 * anything is read from it. Nothing here writes: what is damaged may hold the only copy of something.
 */

import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CarillonError } from '../../errors.ts';
import { tooNew } from '../../scheduler/records/kind.ts';
import { newestFormat } from '../../scheduler/records/stored.ts';
import { diskProblem } from '../disk-problem.ts';
import { checkFile, FileDamage } from './file.ts';
import { type Marker, markerPath, readMarker } from './marker.ts';
import { layoutOf, UNSEALED_LAYOUT } from './tables.ts';

export const dataFile = (dir: string): string => join(dir, 'data.mdb');

/**
 * Looks at the files before LMDB opens them. Null: there is no store yet, and one may be made. STORE_DAMAGED names
 * the file, what is wrong with it, and what to do.
 */
export function checkFiles(dir: string): Marker | null {
  const marker = readMarker(dir);
  if (marker === 'unreadable') {
    const path = markerPath(dir);
    throw new CarillonError(
      'STORE_DAMAGED',
      `${path}, which says which store is in ${dir}, cannot be read. Delete it if you know that the store is whole. Otherwise ${remedy(dir)}`,
      { field: 'dataDir', value: path },
    );
  }
  if (marker?.state === 'being-restored') {
    throw damaged(dir, `A restore into ${dir} was interrupted, and there is no whole store.`);
  }
  const file = dataFile(dir);
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? null;
  const isBeingMade = marker?.state === 'being-made';
  // LMDB makes this file before the other: without a marker, it tells of a store all the same.
  const wasThere = marker === null ? existsSync(join(dir, 'lock.mdb')) : !isBeingMade;
  if (size === null && wasThere) throw damaged(dir, `${file} is missing: the store was there before.`);
  if (size === null || (size === 0 && isBeingMade)) return null;
  try {
    checkFile(file);
  } catch (error) {
    if (error instanceof FileDamage) throw damaged(dir, `${file} ${error.message}.`);
    throw error;
  }
  return marker;
}

/** What a store that was opened says of itself. */
export interface Opening {
  readonly layout: number | undefined;
  readonly installation: string | undefined;
  readonly term: number;
}

/** True: nothing was ever kept in it, and it may become a new installation. STORE_DAMAGED, STORE_UNAVAILABLE, STORE_TOO_NEW. */
export function isUnused(
  dir: string,
  marker: Marker | null,
  { layout, installation, term }: Opening,
): boolean {
  const isMade = marker?.state === 'made';
  if (layout === undefined) {
    if (isMade) throw damaged(dir, `${dataFile(dir)} holds no installation: it was emptied.`);
    return true;
  }
  const newest = layoutOf(newestFormat);
  if (layout > newest)
    throw tooNew(`The store in ${dir} (layout ${layout}; newest known: ${newest})`, {
      field: 'dataDir',
      value: dir,
    });
  if (layout < UNSEALED_LAYOUT) {
    throw new CarillonError(
      'STORE_UNAVAILABLE',
      `${dir} was written by an earlier version (layout ${layout}, this one reads ${UNSEALED_LAYOUT} to ${newest})`,
      { field: 'dataDir', value: dir },
    );
  }
  if (typeof installation !== 'string')
    throw damaged(dir, `${dataFile(dir)} does not say of which installation it is.`);
  if (!isMade) return false;
  const goOn = `If that is meant, delete ${markerPath(dir)}; what was due since is then decided again.`;
  if (marker.installation !== installation) {
    throw damaged(
      dir,
      `${dataFile(dir)} is of the installation ${installation}, and ${marker.installation} was here before. ${goOn}`,
    );
  }
  if (term < marker.term) {
    throw damaged(
      dir,
      `${dataFile(dir)} is older than it was: its newest term is ${term}, and ${marker.term} was here before. ${goOn}`,
    );
  }
  return false;
}

export function damaged(dir: string, what: string): CarillonError {
  return new CarillonError('STORE_DAMAGED', `${what} Nothing was changed. To go on, ${remedy(dir)}`, {
    field: 'dataDir',
    value: dir,
  });
}

const remedy = (dir: string): string =>
  `restore a backup: carillon restore FILE --data-dir ${dirname(dir)} --replace. It keeps what is there aside.`;

/** STORE_UNAVAILABLE with the cause, for what is not an expected failure already. */
export function unavailable(dir: string, error: unknown): CarillonError {
  if (error instanceof CarillonError) return error;
  const message = `The store in ${dir} cannot be used: ${diskProblem(error)}.`;
  return new CarillonError('STORE_UNAVAILABLE', message, {
    field: 'dataDir',
    value: dir,
    allowed: 'a directory that can be written, on a disk with room',
  });
}
