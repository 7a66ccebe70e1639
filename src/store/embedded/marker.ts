/**
 * A file beside the store that says that the store exists, and which one it is. An empty folder is a new
 * installation only without this file. Otherwise an unmounted volume, or a deleted or emptied file, would
 * start as a healthy scheduler without jobs.
 */

import { readFileSync } from 'node:fs';
import { replaceFile } from '../durable-file.ts';

export interface Marker {
  /**
   * `being-made`: until its first transaction is on disk, an empty store is no loss. `being-restored`: a
   * backup is being restored, and nothing was there before.
   */
  readonly state: 'being-made' | 'being-restored' | 'made';
  readonly installation: string;
  /** The store's newest term, or an earlier one. */
  readonly term: number;
}

export const markerPath = (dir: string): string => `${dir}.json`;

/** Null if there is none; 'unreadable' for content that this program did not write. */
export function readMarker(dir: string): Marker | 'unreadable' | null {
  let text: string;
  try {
    text = readFileSync(markerPath(dir), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const { state, installation, term } = JSON.parse(text) as Record<string, unknown>;
    const isState = state === 'being-made' || state === 'being-restored' || state === 'made';
    if (isState && typeof installation === 'string' && typeof term === 'number')
      return { state, installation, term };
  } catch {
    // Falls through.
  }
  return 'unreadable';
}

/** On disk when it returns: either the whole new marker or the previous one, whenever the process ends. */
export function writeMarker(dir: string, marker: Marker): void {
  const about =
    `Written by Carillon. It says that the folder ${dir} contains a store. Delete it only together with ` +
    'that folder.';
  replaceFile(markerPath(dir), `${JSON.stringify({ about, ...marker }, null, 2)}\n`);
}
