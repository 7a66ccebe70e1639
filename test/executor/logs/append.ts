/** Appends to a stream as a job does that has the file open, and then as whoever watches it. */

import { appendFile } from 'node:fs/promises';
import type { LogFiles } from '../../../src/executor/logs/files.ts';

export async function append(files: LogFiles, stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void> {
  await appendFile(files.path(stream), bytes);
  await files.trim();
}
