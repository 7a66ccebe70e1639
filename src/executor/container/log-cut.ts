/**
 * Detects whether an engine has dropped the oldest output. Its json-file driver silently drops whole files,
 * so this is derived from what is left: once a file was dropped, all others are full. The files are many and
 * small, so that complete output that exactly fills them is rarely mistaken for cut output.
 */

import type { LogChunk } from '../../scheduler/ports.ts';
import { FrameParser } from './frames.ts';
import { engineLogLimits } from './labels.ts';

/**
 * Fewer entries never fill the files: the driver splits lines at 16 KiB, and a byte is at most six bytes of
 * JSON.
 */
const fewEntries = 300;
/** Bytes of an entry besides its text: field names, stream and time. */
const entryBytes = 69;
const [quote, backslash, space] = [0x22, 0x5c, 0x20];
/** Written as \u003c and similar escapes. */
const escaped = new Set(Buffer.from('<>&'));
const short = new Set(Buffer.from('\n\r\t"\\'));

/** `read`: the current last entries of both streams, or all. */
export async function isCut(
  read: (tail: number | 'all', parser: FrameParser) => AsyncIterable<LogChunk>,
): Promise<boolean> {
  const last = new FrameParser();
  for await (const _ of read(fewEntries, last));
  if (last.frames < fewEntries) return false;
  const all = new FrameParser();
  let stored = 0;
  for await (const { bytes } of read('all', all)) stored += storedBytes(bytes);
  return stored + all.frames * entryBytes >= (engineLogLimits.files - 1) * engineLogLimits.fileBytes;
}

/** Shown to readers in place of dropped output. */
export const cutLine: LogChunk = {
  stream: 'stdout',
  bytes: Buffer.from('[carillon: older output was dropped by the engine here]\n'),
};

/** Shown to a reader that resumes such output. */
export const repeatedLine: LogChunk = {
  stream: 'stdout',
  bytes: Buffer.from(
    '[carillon: the engine dropped output; everything that is left follows and may repeat output above]\n',
  ),
};

function storedBytes(bytes: Uint8Array): number {
  let stored = bytes.length;
  for (const byte of bytes) {
    if (byte >= space && byte !== quote && byte !== backslash && !escaped.has(byte)) continue;
    stored += short.has(byte) ? 1 : 5;
  }
  return stored;
}
