/** Small files that are replaced atomically, whenever the process ends. */

import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** On disk when it returns; readable by its owner only. */
export function replaceFile(path: string, text: string): void {
  const next = `${path}.next`;
  writeFileSync(next, text, { mode: 0o600 });
  syncPath(next);
  renameSync(next, path);
  syncPath(dirname(path));
}

/** Makes the contents of a file, or the entries of a folder, durable. */
export function syncPath(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
