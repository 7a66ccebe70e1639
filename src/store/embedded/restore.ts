/**
 * Restores an embedded store from a backup: builds it beside the existing one, and moves it into place when
 * it is complete and on disk. A process killed midway leaves the store unchanged, or one that is refused
 * until it is restored again.
 */

import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CarillonError } from '../../errors.ts';
import type { StoredRecord } from '../../scheduler/records/kind.ts';
import { formatOf } from '../../scheduler/records/stored.ts';
import { inBatches } from '../batches.ts';
import { syncPath } from '../durable-file.ts';
import { damaged, unavailable } from './health.ts';
import { lockDirectory } from './lock.ts';
import { markerPath, readMarker, writeMarker } from './marker.ts';
import { layoutOf, openRoot, openTables } from './tables.ts';
import { durably } from './transaction.ts';
import { createCommitWrites } from './writes.ts';

/** Records per transaction. */
const RECORDS = 5_000;

export interface EmbeddedRestore {
  readonly dir: string;
  /** Moves an existing store aside; without it, an existing store is an error. */
  readonly replace: boolean;
  readonly installation: string;
  /** The highest term in the backup. */
  readonly lastTerm: number;
  readonly now: number;
}

/**
 * Terms continue this far above the previous ones: launches of an old leader that the backup does not know
 * have an older term.
 */
export const TERMS_BETWEEN = 1_000;

/**
 * Returns where the previous store was moved; null if there was none. STORE_NOT_EMPTY, STORE_IN_USE,
 * STORE_UNAVAILABLE.
 */
export async function restoreEmbedded(
  restore: EmbeddedRestore,
  records: AsyncIterable<readonly StoredRecord[]>,
): Promise<string | null> {
  const { dir, replace } = restore;
  const wasThere = hasStore(dir);
  if (wasThere && !replace) {
    throw new CarillonError(
      'STORE_NOT_EMPTY',
      `A store already exists in ${dir}. With --replace it is moved aside, and the backup takes its place.`,
      { field: 'dataDir', value: dir },
    );
  }
  let unlock: (() => void) | null = null;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    // No scheduler and no other restore can start on it until this process has ended.
    unlock = lockDirectory(dir);
    if (!wasThere) writeMarker(dir, { state: 'being-restored', installation: '', term: 0 });
    const building = `${dir}.restoring`;
    rmSync(building, { recursive: true, force: true });
    const term = Math.max(restore.lastTerm, termOf(dir)) + TERMS_BETWEEN;
    await build(building, restore, term, records);
    return moveIn(building, restore, { wasThere, term });
  } catch (error) {
    throw unavailable(dir, error);
  } finally {
    unlock?.();
  }
}

/** A folder with only a lock was created by a refused start. */
function hasStore(dir: string): boolean {
  const marker = readMarker(dir);
  if (marker !== null && (marker === 'unreadable' || marker.state !== 'being-restored')) return true;
  return existsSync(dir) && readdirSync(dir).some((name) => name !== 'lock');
}

async function build(
  building: string,
  { installation }: EmbeddedRestore,
  term: number,
  records: AsyncIterable<readonly StoredRecord[]>,
): Promise<void> {
  mkdirSync(building, { mode: 0o700 });
  const root = openRoot(building);
  try {
    const tables = openTables(root, (what) => damaged(building, what));
    let format = 1;
    for await (const some of inBatches(records, RECORDS)) {
      format = Math.max(format, formatOf(some));
      await durably(building, root, () => {
        const writes = createCommitWrites(tables);
        for (const record of some) writes.restore(record);
        writes.finish();
      });
    }
    // Last: a store without a layout is not valid.
    await durably(building, root, () => {
      tables.meta.putSync('cluster', installation);
      tables.meta.putSync('term', term);
      tables.meta.putSync('format', layoutOf(format));
    });
  } finally {
    await root.close();
  }
}

function moveIn(
  building: string,
  { dir, installation, now }: EmbeddedRestore,
  { wasThere, term }: { readonly wasThere: boolean; readonly term: number },
): string | null {
  const aside = freeName(`${dir}.replaced-${new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '')}`);
  if (wasThere && existsSync(markerPath(dir))) copyFileSync(markerPath(dir), markerPath(aside));
  // From here until the new store is in place, a start is refused, because the marker does not match the
  // folder.
  writeMarker(dir, { state: 'made', installation, term });
  if (wasThere) renameSync(dir, aside);
  else {
    rmSync(join(dir, 'lock'));
    rmdirSync(dir);
  }
  renameSync(building, dir);
  syncPath(dirname(dir));
  return wasThere ? aside : null;
}

/** The term of the existing store, according to its marker. */
function termOf(dir: string): number {
  const marker = readMarker(dir);
  return marker === null || marker === 'unreadable' ? 0 : marker.term;
}

function freeName(path: string): string {
  let free = path;
  for (let number = 2; existsSync(free) || existsSync(markerPath(free)); number++) free = `${path}-${number}`;
  return free;
}
