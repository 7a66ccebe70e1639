/** Times in the text of an output, as `carillon logs --timestamps` prints them. */

import type { RunLogChunk } from '../scheduler/handle.ts';

const newline = 0x0a;

/** Begins each line with the time at which its first piece was printed, where that is known. */
export async function* withTimes(output: AsyncIterable<RunLogChunk>): AsyncGenerator<RunLogChunk> {
  for await (const chunk of output) {
    const { bytes, printed } = chunk;
    if (printed === undefined || bytes.length === 0) yield chunk;
    else yield { ...chunk, bytes: timed(bytes, Buffer.from(`${timeText(printed.timeNs)} `), printed.inLine) };
  }
}

function timed(bytes: Uint8Array, time: Uint8Array, inLine: boolean): Uint8Array {
  const pieces: Uint8Array[] = inLine ? [] : [time];
  let from = 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, from)) {
    pieces.push(bytes.subarray(from, at + 1));
    from = at + 1;
    if (from < bytes.length) pieces.push(time);
  }
  pieces.push(bytes.subarray(from));
  return Buffer.concat(pieces);
}

/** In UTC, with nanoseconds: `2026-11-29T03:00:00.123456789Z`. */
export function timeText(timeNs: bigint): string {
  const seconds = new Date(Number(timeNs / 1_000_000_000n) * 1_000).toISOString().slice(0, 19);
  return `${seconds}.${String(timeNs % 1_000_000_000n).padStart(9, '0')}Z`;
}
