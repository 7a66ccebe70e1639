/**
 * The standard input of a launch: an unlinked file, complete before the launch starts. Unlike a pipe it
 * outlives the scheduler, and only holders of the descriptor can read it.
 */

import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Open at its start; the caller closes it. `dir`: where only the scheduler's user can write. */
export async function openInput(dir: string, text: string): Promise<FileHandle> {
  const path = join(dir, `input-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
    // Written at a position, so that the receiver still reads from the start.
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) {
      at += (await file.write(bytes, at, bytes.length - at, at)).bytesWritten;
    }
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}
