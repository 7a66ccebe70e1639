/**
 * Reads output that an engine keeps. Engines have no positions: they are counted from the oldest entry, so
 * they are valid as long as the engine has dropped nothing. After that, a reader that resumes gets everything
 * that is left.
 */

import type { LogChunk, LogPosition, LogQuery } from '../../scheduler/ports.ts';
import { behindBytes, countLines, skipLines } from './frames.ts';
import { cutLine, repeatedLine } from './log-cut.ts';

/** Reads the output of one launch; `query` selects the streams. */
export interface OutputSource {
  /** All entries; with `follow` also later ones. */
  readonly read: (follow: boolean) => AsyncIterable<LogChunk>;
  /** The last entries, if the engine can find them. */
  readonly readTail?: (entries: number) => AsyncIterable<LogChunk>;
  /** Whether the engine has dropped the oldest output. */
  readonly isCut: () => Promise<boolean>;
}

export async function* wantedOutput(
  { tail, after, follow = false }: LogQuery,
  { read, readTail, isCut }: OutputSource,
): AsyncGenerator<LogChunk> {
  if (after !== undefined) {
    if (!(await isCut())) return yield* behind(counted(read(follow)), after);
    yield repeatedLine;
    return yield* counted(read(follow));
  }
  if (tail === undefined) {
    if (await isCut()) yield cutLine;
    return yield* counted(read(follow));
  }
  // Output that is not followed is never resumed, so it needs no positions.
  if (!follow && readTail !== undefined) {
    // An entry is a line or a piece of one. If one entry more has a line more, all of the last ones are lines.
    const entries = tail + 1;
    if ((await countLines(readTail(entries))) === entries) return yield* skipLines(readTail(entries), 1);
  }
  const lines = await countLines(read(false));
  if (lines <= tail) yield { stream: 'stdout', bytes: new Uint8Array(0), next: beginning };
  yield* skipLines(counted(read(follow)), Math.max(0, lines - tail));
}

const beginning: LogPosition = { stdout: 0, stderr: 0 };

/** Adds the position after each chunk. */
async function* counted(source: AsyncIterable<LogChunk>): AsyncGenerator<LogChunk> {
  const next = { ...beginning };
  for await (const chunk of source) {
    next[chunk.stream] += chunk.bytes.length;
    yield { ...chunk, next: { ...next } };
  }
}

/** The output after a position. */
async function* behind(source: AsyncIterable<LogChunk>, after: LogPosition): AsyncGenerator<LogChunk> {
  for await (const { next, ...chunk } of skipBytes(source, after)) {
    const { stdout, stderr } = next ?? after;
    yield {
      ...chunk,
      // For a stream that is not read, the reader keeps its position.
      next: { stdout: Math.max(stdout, after.stdout), stderr: Math.max(stderr, after.stderr) },
    };
  }
}

/** Skips the first bytes of each stream. */
export async function* skipBytes(
  source: AsyncIterable<LogChunk>,
  count: LogPosition,
): AsyncGenerator<LogChunk> {
  const left = { ...count };
  for await (const chunk of source) {
    const skipped = Math.min(left[chunk.stream], chunk.bytes.length);
    left[chunk.stream] -= skipped;
    if (skipped < chunk.bytes.length) yield behindBytes(chunk, skipped);
  }
}
