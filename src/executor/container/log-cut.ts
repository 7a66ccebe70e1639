/**
 * Whether an engine has dropped the oldest of an output. Its json-file driver drops whole files without a word, so
 * this is told by what is left: once a file was dropped, all others are full. They are many and small, so that an
 * output which has just filled them, and is whole, is seldom taken for one that was cut.
 */

import type { LogChunk } from '../../scheduler/ports.ts';
import { FrameParser } from './frames.ts';
import { engineLogLimits } from './labels.ts';

/** Fewer entries never fill the files: the driver splits lines at 16 KiB, and a byte is six of JSON at most. */
const fewEntries = 300;
/** Of an entry beside its text: field names, stream and time. */
const entryBytes = 69;
const [quote, backslash, space] = [0x22, 0x5c, 0x20];
/** Written as \u003c and the like. */
const escaped = new Set(Buffer.from('<>&'));
const short = new Set(Buffer.from('\n\r\t"\\'));

/** `read`: the last entries of both streams, or all, as they are now. */
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

/** What a reader gets in the place of output that its engine has dropped. */
export const cutLine: LogChunk = {
  stream: 'stdout',
  bytes: Buffer.from('[carillon: older output was dropped by the engine here]\n'),
};

/** What a reader gets that wants to continue in such an output. */
export const repeatedLine: LogChunk = {
  stream: 'stdout',
  bytes: Buffer.from(
    '[carillon: output was dropped by the engine, all that is left follows and may repeat output above]\n',
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
