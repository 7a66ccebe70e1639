/**
 * The engine's log format: frames with an 8-byte header (stream, three zeros, length) and a payload. Payloads
 * are passed on as they arrive and never collected, so memory stays small whatever a job prints, and a slow
 * reader slows the engine.
 */

import type { LogChunk } from '../../scheduler/ports.ts';

const headerBytes = 8;
const newline = 10;
const streams = { 0: 'stdout', 1: 'stdout', 2: 'stderr' } as const;

/** Splits a byte stream into frames. */
export class FrameParser {
  readonly #header = new Uint8Array(headerBytes);
  #headerFilled = 0;
  #remaining = 0;
  #stream: LogChunk['stream'] = 'stdout';
  /** Number of frames that have begun: one per log entry. */
  frames = 0;

  /** The payload in `bytes`, in order. Throws if they are not frames, as for a container with a terminal. */
  push(bytes: Uint8Array): LogChunk[] {
    const chunks: LogChunk[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#remaining > 0) {
        const payload = bytes.subarray(at, at + this.#remaining);
        this.#remaining -= payload.length;
        at += payload.length;
        chunks.push({ stream: this.#stream, bytes: payload });
        continue;
      }
      const part = bytes.subarray(at, at + headerBytes - this.#headerFilled);
      this.#header.set(part, this.#headerFilled);
      this.#headerFilled += part.length;
      at += part.length;
      if (this.#headerFilled === headerBytes) this.#open();
    }
    return chunks;
  }

  #open(): void {
    const [kind, ...padding] = this.#header.subarray(0, 4);
    const stream = streams[kind as keyof typeof streams];
    if (stream === undefined || padding.some((byte) => byte !== 0)) {
      throw new Error(`the engine's log has no frames (header ${Buffer.from(this.#header).toString('hex')})`);
    }
    this.#stream = stream;
    this.#remaining = new DataView(this.#header.buffer).getUint32(4);
    this.#headerFilled = 0;
    this.frames += 1;
  }
}

export async function* readFrames(
  source: AsyncIterable<Uint8Array>,
  parser = new FrameParser(),
): AsyncGenerator<LogChunk> {
  for await (const bytes of source) yield* parser.push(bytes);
}

/** Counts lines, including an unterminated last one. */
export async function countLines(source: AsyncIterable<LogChunk>): Promise<number> {
  let lines = 0;
  let open = false;
  for await (const { bytes } of source) {
    for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) lines++;
    if (bytes.length > 0) open = bytes[bytes.length - 1] !== newline;
  }
  return open ? lines + 1 : lines;
}

/** Skips the first `count` lines. */
export async function* skipLines(source: AsyncIterable<LogChunk>, count: number): AsyncGenerator<LogChunk> {
  let left = count;
  for await (const { bytes, ...chunk } of source) {
    let from = 0;
    for (; left > 0 && from < bytes.length; left--) {
      const end = bytes.indexOf(newline, from);
      if (end === -1) break;
      from = end + 1;
    }
    if (left === 0 && from < bytes.length) yield { ...chunk, bytes: bytes.subarray(from) };
  }
}
