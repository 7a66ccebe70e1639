/** The last lines of an output as text, for a message. */

import type { LogChunk } from '../../scheduler/ports.ts';

const MAX_CHARS = 2_000;

/** Lines that are blank are left out, and the beginning where they are long. */
export async function lastLines(chunks: AsyncIterable<LogChunk>, count: number): Promise<readonly string[]> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const { bytes } of chunks)
    text = (text + decoder.decode(bytes, { stream: true })).slice(-MAX_CHARS);
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count);
}
