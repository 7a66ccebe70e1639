/**
 * The standard input of a launch that has one: a file that no folder has any more, whole before the launch begins. So
 * it outlives the scheduler as a pipe would not, and only who holds it open can read it.
 */

import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Open at its start; the caller closes it. `dir`: where only the scheduler's user writes. */
export async function openInput(dir: string, text: string): Promise<FileHandle> {
  const path = join(dir, `input-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
    // At a position, so that whoever gets the file still reads it from its start.
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
