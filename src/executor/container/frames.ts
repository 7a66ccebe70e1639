/**
 * The engine's log format with times: frames with an 8-byte header (stream, three zeros, length), the time of an entry, a
 * space and the entry, which is a line or a piece of a long one. Entries are passed on as they arrive and never collected,
 * so memory stays small whatever a job prints, and a slow reader slows the engine.
 */

import type { LogChunk } from '../../scheduler/ports.ts';

const headerBytes = 8;
const [newline, space] = [0x0a, 0x20];
const streams = { 0: 'stdout', 1: 'stdout', 2: 'stderr' } as const;
const timeForm = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;
const maxTimeLength = 35;

/** Splits a byte stream into entries. */
export class FrameParser {
  readonly #header = new Uint8Array(headerBytes);
  #headerFilled = 0;
  #remaining = 0;
  #stream: LogChunk['stream'] = 'stdout';
  /** As far as it has arrived. */
  #time = '';
  #timeNs: bigint | null = null;
  readonly #inLine = { stdout: false, stderr: false };
  /** Number of frames that have begun: one per log entry. */
  frames = 0;

  /** The entries in `bytes`, in order. Throws if they are not frames, as for a container with a terminal. */
  push(bytes: Uint8Array): LogChunk[] {
    const chunks: LogChunk[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#remaining > 0) {
        const part = bytes.subarray(at, at + this.#remaining);
        this.#remaining -= part.length;
        at += part.length;
        this.#take(part, chunks);
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
    this.#time = '';
    this.#timeNs = null;
    this.frames += 1;
  }

  #take(part: Uint8Array, to: LogChunk[]): void {
    const bytes = this.#timeNs === null ? this.#takeTime(part) : part;
    if (this.#timeNs === null || bytes.length === 0) return;
    const stream = this.#stream;
    to.push({ stream, bytes, printed: { timeNs: this.#timeNs, inLine: this.#inLine[stream] } });
    this.#inLine[stream] = bytes.at(-1) !== newline;
  }

  /** Returns what follows the time. */
  #takeTime(part: Uint8Array): Uint8Array {
    const end = part.indexOf(space);
    const to = end < 0 ? part.length : end;
    this.#time += Buffer.from(part.subarray(0, Math.min(to, maxTimeLength + 1))).toString('latin1');
    const isWhole = end >= 0 || this.#remaining === 0 || this.#time.length > maxTimeLength;
    if (isWhole) this.#timeNs = timeNsOf(this.#time);
    return part.subarray(to + 1);
  }
}

function timeNsOf(text: string): bigint {
  const [, seconds, fraction = '', zone] = timeForm.exec(text) ?? [];
  if (seconds === undefined) throw new Error(`the engine's log has no times (${JSON.stringify(text)})`);
  return BigInt(Date.parse(seconds + zone)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
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
  for await (const chunk of source) {
    const { bytes } = chunk;
    let from = 0;
    for (; left > 0 && from < bytes.length; left--) {
      const end = bytes.indexOf(newline, from);
      if (end === -1) break;
      from = end + 1;
    }
    if (left === 0 && from < bytes.length) yield behindBytes(chunk, from);
  }
}

/** A chunk without its first bytes. */
export function behindBytes(chunk: LogChunk, count: number): LogChunk {
  if (count === 0) return chunk;
  const { bytes, printed } = chunk;
  const inLine = bytes[count - 1] !== newline;
  return { ...chunk, bytes: bytes.subarray(count), ...(printed && { printed: { ...printed, inLine } }) };
}
