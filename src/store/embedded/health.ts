/**
 * Refuses a store that is missing, empty, truncated, damaged, of another installation or older than before,
 * before anything is read from it. Nothing here writes: a damaged file may be the only copy of its data.
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
 * Checks the files before LMDB opens them. Null: there is no store yet, and one may be created. STORE_DAMAGED
 * names the file, the damage, and what to do.
 */
export function checkFiles(dir: string): Marker | null {
  const marker = readMarker(dir);
  if (marker === 'unreadable') {
    const path = markerPath(dir);
    throw new CarillonError(
      'STORE_DAMAGED',
      `${path}, which identifies the store in ${dir}, cannot be read. Delete it if you know that the ` +
        `store is intact. Otherwise ${remedy(dir)}`,
      { field: 'dataDir', value: path },
    );
  }
  if (marker?.state === 'being-restored') {
    throw damaged(dir, `A restore into ${dir} was interrupted, and there is no complete store.`);
  }
  const file = dataFile(dir);
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? null;
  const isBeingMade = marker?.state === 'being-made';
  // LMDB creates this file first, so it proves that there was a store even without a marker.
  const wasThere = marker === null ? existsSync(join(dir, 'lock.mdb')) : !isBeingMade;
  if (size === null && wasThere) throw damaged(dir, `${file} is missing, but there was a store before.`);
  if (size === null || (size === 0 && isBeingMade)) return null;
  try {
    checkFile(file);
  } catch (error) {
    if (error instanceof FileDamage) throw damaged(dir, `${file} ${error.message}.`);
    throw error;
  }
  return marker;
}

/** What an opened store says about itself. */
export interface Opening {
  readonly layout: number | undefined;
  readonly installation: string | undefined;
  readonly term: number;
}

/**
 * True: nothing was ever stored in it, so it may become a new installation. STORE_DAMAGED, STORE_UNAVAILABLE,
 * STORE_TOO_NEW.
 */
export function isUnused(
  dir: string,
  marker: Marker | null,
  { layout, installation, term }: Opening,
): boolean {
  const isMade = marker?.state === 'made';
  if (layout === undefined) {
    if (isMade) throw damaged(dir, `${dataFile(dir)} contains no installation: it was emptied.`);
    return true;
  }
  const newest = layoutOf(newestFormat);
  if (layout > newest)
    throw tooNew(`The store in ${dir} (layout ${layout}; newest known layout: ${newest})`, {
      field: 'dataDir',
      value: dir,
    });
  if (layout < UNSEALED_LAYOUT) {
    throw new CarillonError(
      'STORE_UNAVAILABLE',
      `${dir} was written by an earlier version (layout ${layout}; this version reads ` +
        `${UNSEALED_LAYOUT} to ${newest}).`,
      { field: 'dataDir', value: dir },
    );
  }
  if (typeof installation !== 'string')
    throw damaged(dir, `${dataFile(dir)} does not name its installation.`);
  if (!isMade) return false;
  const goOn = `If this is intended, delete ${markerPath(dir)}; later due times are then decided again.`;
  if (marker.installation !== installation) {
    throw damaged(
      dir,
      `${dataFile(dir)} belongs to installation ${installation}, but ${marker.installation} was here ` +
        `before. ${goOn}`,
    );
  }
  if (term < marker.term) {
    throw damaged(
      dir,
      `${dataFile(dir)} is older than before: its newest term is ${term}, but ${marker.term} was here ` +
        `before. ${goOn}`,
    );
  }
  return false;
}

export function damaged(dir: string, what: string): CarillonError {
  return new CarillonError('STORE_DAMAGED', `${what} Nothing was changed. To continue, ${remedy(dir)}`, {
    field: 'dataDir',
    value: dir,
  });
}

const remedy = (dir: string): string =>
  `restore a backup: carillon restore FILE --data-dir ${dirname(dir)} --replace. It moves the existing ` +
  'store aside.';

/** STORE_UNAVAILABLE with the cause, unless the error is an expected failure already. */
export function unavailable(dir: string, error: unknown): CarillonError {
  if (error instanceof CarillonError) return error;
  const message = `The store in ${dir} cannot be used: ${diskProblem(error)}.`;
  return new CarillonError('STORE_UNAVAILABLE', message, {
    field: 'dataDir',
    value: dir,
    allowed: 'a writable directory on a disk with free space',
  });
}
