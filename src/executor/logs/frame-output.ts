/**
 * The output of one launch in frames, as its supervisor writes them (supervisor/launch.h), or frame-writer.ts for a
 * container: both streams in the order in which they were printed, each piece with its time. The first part and the last
 * two are kept. A reader gets a line in place of output that is missing.
 */

import type { LogChunk, LogPosition, LogQuery } from '../../scheduler/ports.ts';
import { sleep } from '../../scheduler/waiting.ts';
import {
  type Frame,
  FrameReader,
  frameKind,
  type PartFile,
  parseStatus,
  type Status,
  statusBytes,
} from './frames.ts';
import { droppedLine } from './gaps.ts';
import { type Following, followPollMs, type LogOutput, type Stream, streams } from './output.ts';

const newline = 0x0a;

/** Where the parts are. */
export interface PartFiles {
  /** Null: it is missing. */
  open(part: number): Promise<PartFile | null>;
  /** Bytes. Null: it is missing. */
  size(part: number): Promise<number | null>;
}

export abstract class FrameOutput implements LogOutput {
  readonly #files: PartFiles;

  constructor(files: PartFiles) {
    this.#files = files;
  }

  abstract moveTo(directory: string): Promise<void>;

  async exists(): Promise<boolean> {
    return (await this.#files.size(0)) !== null;
  }

  async bytesDropped(): Promise<number> {
    return (await this.#status())?.dropped ?? 0;
  }

  async bytes(): Promise<number> {
    const sizes = await Promise.all((await this.parts()).map((part) => this.#files.size(part)));
    return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  }

  async *read(query: LogQuery, following: Following): AsyncGenerator<LogChunk, void, undefined> {
    const wanted = query.stream ? [query.stream] : streams;
    const from = await this.#startOf(query, wanted);
    const reading = new Reading(from, wanted, query);
    if (query.tail !== undefined && query.after === undefined) yield reading.positionOnly();
    // A job that prints as fast as it is read would keep a reader for ever.
    const enough = query.follow ? null : await this.#end();
    let part = 0;
    let reader = await this.#open(0);
    try {
      while (reader !== null) {
        // Checked before reading, so that everything printed before the end is read.
        const last = !query.follow || following.ended();
        const newest = (await this.#status())?.newest ?? 0;
        let idle = true;
        for (;;) {
          const frames = await reader.frames();
          if (query.signal?.aborted) return;
          if (frames.length === 0) break;
          idle = false;
          yield* reading.take(frames);
          if (enough && (part > enough.part || (part === enough.part && reader.at >= enough.bytes))) return;
        }
        if (newest > part) {
          await reader.close();
          [part, reader] = await this.#openAfter(part);
          continue;
        }
        reading.caughtUp();
        if (idle && last) return;
        if (idle) await sleep(following.clock, followPollMs, query.signal);
        if (query.signal?.aborted) return;
      }
    } finally {
      await reader?.close();
    }
  }

  /** The positions from which to read. */
  async #startOf(query: LogQuery, wanted: readonly Stream[]): Promise<LogPosition> {
    if (query.after !== undefined) return query.after;
    if (query.tail === undefined) return { stdout: 0, stderr: 0 };
    const parts = await this.parts();
    // Usually the last lines are in the newest part.
    for (const first of parts.toReversed()) {
      const found = await this.#tail(
        query.tail,
        parts.filter((part) => part >= first),
      );
      if (first === 0 || wanted.every((stream) => found[stream] !== null)) {
        return { stdout: found.stdout ?? 0, stderr: found.stderr ?? 0 };
      }
    }
    return { stdout: 0, stderr: 0 };
  }

  /** Where the last lines of each stream begin. Null: in an earlier part. */
  async #tail(lines: number, parts: readonly number[]): Promise<Record<Stream, number | null>> {
    const tails = { stdout: new Tail(lines), stderr: new Tail(lines) };
    for (const part of parts) {
      const reader = await this.#open(part);
      try {
        for (let frames = await reader?.frames(); frames?.length; frames = await reader?.frames()) {
          for (const frame of frames) {
            if (frame.kind === frameKind.positions) {
              for (const stream of streams) tails[stream].at = positionsOf(frame)[stream];
            } else tails[streamOf(frame)].add(frame.bytes);
          }
        }
      } finally {
        await reader?.close();
      }
    }
    return { stdout: tails.stdout.offset(), stderr: tails.stderr.offset() };
  }

  protected async parts(): Promise<number[]> {
    const newest = (await this.#status())?.newest ?? 0;
    return [0, ...[newest - 1, newest].filter((part) => part > 0)];
  }

  /** Parts that a supervisor which was killed had begun, or had not removed yet. */
  protected async cutShort(): Promise<number[]> {
    const newest = (await this.#status())?.newest ?? 0;
    return [newest - 2, newest + 1];
  }

  /** Where what was printed until now ends. */
  async #end(): Promise<{ readonly part: number; readonly bytes: number }> {
    const part = (await this.#status())?.newest ?? 0;
    return { part, bytes: (await this.#files.size(part)) ?? 0 };
  }

  async #status(): Promise<Status | null> {
    const file = await this.#files.open(0);
    if (file === null) return null;
    try {
      const { buffer } = await file.read(Buffer.alloc(statusBytes), 0, statusBytes, 0);
      return parseStatus(buffer);
    } finally {
      await file.close();
    }
  }

  /** The next part that is there. While a job prints fast, parts go between the look and the opening. */
  async #openAfter(part: number): Promise<[part: number, reader: FrameReader | null]> {
    for (let looked = 0; ; ) {
      const newest = (await this.#status())?.newest ?? 0;
      for (const next of [newest - 1, newest]) {
        const reader = next > part ? await this.#open(next) : null;
        if (reader !== null) return [next, reader];
      }
      if (newest === looked) return [newest, null];
      looked = newest;
    }
  }

  async #open(part: number): Promise<FrameReader | null> {
    const begin = part === 0 ? (await this.#status())?.begin : 0;
    if (begin === undefined) return null;
    const file = await this.#files.open(part);
    return file && new FrameReader(file, begin);
  }
}

/** The progress of one reader. */
class Reading {
  readonly #wanted: readonly Stream[];
  readonly #timed: boolean;
  readonly #untouched: LogPosition;
  /** Of the next byte that is read. */
  readonly #at = { stdout: 0, stderr: 0 };
  /** Of the next byte that is wanted. */
  readonly #from: { stdout: number; stderr: number };
  readonly #inLine = { stdout: false, stderr: false };
  #isCaughtUp = false;

  constructor(from: LogPosition, wanted: readonly Stream[], query: LogQuery) {
    this.#from = { ...from };
    this.#wanted = wanted;
    this.#timed = query.timestamps === true;
    this.#untouched = query.after ?? { stdout: 0, stderr: 0 };
  }

  /** Fixes which lines are the last ones: a reader that is cut off before the first of them continues from here. */
  positionOnly(): LogChunk {
    return { stream: this.#wanted[0] ?? 'stdout', bytes: new Uint8Array(0), next: this.#next() };
  }

  /** After a power failure, output past the end may be lost: continue with what is printed from now on. */
  caughtUp(): void {
    if (this.#isCaughtUp) return;
    this.#isCaughtUp = true;
    for (const stream of streams) this.#from[stream] = Math.min(this.#from[stream], this.#at[stream]);
  }

  *take(frames: readonly Frame[]): Generator<LogChunk, void, undefined> {
    let pieces: Uint8Array[] = [];
    let printed: { readonly stream: Stream; readonly timeNs: bigint } | null = null;
    const flush = function* (this: Reading): Generator<LogChunk, void, undefined> {
      if (printed === null) return;
      const { stream, timeNs } = printed;
      const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
      pieces = [];
      printed = null;
      const inLine = this.#inLine[stream];
      this.#inLine[stream] = bytes.at(-1) !== newline;
      const hasTime = this.#timed && timeNs > 0n;
      yield { stream, bytes, next: this.#next(), ...(hasTime && { printed: { timeNs, inLine } }) };
    }.bind(this);
    for (const [index, frame] of frames.entries()) {
      if (frame.kind === frameKind.positions) {
        // While a disk is full, one may follow the other: one line tells of all that is missing.
        if (frames[index + 1]?.kind === frameKind.positions) continue;
        yield* flush();
        yield* this.#jump(positionsOf(frame));
        continue;
      }
      const stream = streamOf(frame);
      const bytes = this.#advance(stream, frame.bytes);
      if (bytes.length === 0) continue;
      if (printed !== null && (this.#timed || printed.stream !== stream)) yield* flush();
      // Its position is the one behind it, so what was collected goes first.
      printed = { stream, timeNs: frame.timeNs };
      pieces.push(bytes);
      this.#from[stream] = this.#at[stream];
    }
    yield* flush();
  }

  /** The wanted part of the next bytes of a stream. */
  #advance(stream: Stream, bytes: Uint8Array): Uint8Array {
    const skip = Math.min(bytes.length, Math.max(0, this.#from[stream] - this.#at[stream]));
    this.#at[stream] += bytes.length;
    if (skip > 0) this.#inLine[stream] = bytes[skip - 1] !== newline;
    return this.#wanted.includes(stream) ? bytes.subarray(skip) : bytes.subarray(0, 0);
  }

  *#jump(to: LogPosition): Generator<LogChunk, void, undefined> {
    for (const stream of streams) {
      const missed = to[stream] - Math.max(this.#at[stream], this.#from[stream]);
      this.#at[stream] = Math.max(this.#at[stream], to[stream]);
      if (missed <= 0 || !this.#wanted.includes(stream)) continue;
      this.#from[stream] = this.#at[stream];
      yield { stream, bytes: droppedLine(missed, this.#inLine[stream]), next: this.#next() };
      this.#inLine[stream] = false;
    }
  }

  /** For a stream that is not read, the reader keeps its position. */
  #next(): LogPosition {
    const of = (stream: Stream): number =>
      this.#wanted.includes(stream) ? this.#from[stream] : this.#untouched[stream];
    return { stdout: of('stdout'), stderr: of('stderr') };
  }
}

/** Finds where the last lines of a stream begin. */
class Tail {
  readonly #lines: number;
  /** Of the last lines: where each ends. */
  readonly #ends: number[] = [];
  #oldest = 0;
  #began: number | null = null;
  at = 0;

  constructor(lines: number) {
    this.#lines = lines;
  }

  add(bytes: Uint8Array): void {
    this.#began ??= this.at;
    for (let index = bytes.indexOf(newline); index >= 0; index = bytes.indexOf(newline, index + 1)) {
      // One more than the lines: the last may end with the output.
      if (this.#ends.length <= this.#lines) this.#ends.push(this.at + index + 1);
      else {
        this.#ends[this.#oldest] = this.at + index + 1;
        this.#oldest = (this.#oldest + 1) % this.#ends.length;
      }
    }
    this.at += bytes.length;
  }

  /** Null if there are fewer lines in what was added, and something before it. */
  offset(): number | null {
    if (this.#lines <= 0) return this.at;
    const ends = [...this.#ends.slice(this.#oldest), ...this.#ends.slice(0, this.#oldest)];
    if (ends.at(-1) === this.at) ends.pop();
    const found = ends.at(-this.#lines);
    if (found !== undefined) return found;
    return (this.#began ?? this.at) === 0 ? 0 : null;
  }
}

const streamOf = ({ kind }: Frame): Stream => (kind === frameKind.stderr ? 'stderr' : 'stdout');

function positionsOf({ bytes }: Frame): LogPosition {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return { stdout: Number(view.readBigUInt64LE(0)), stderr: Number(view.readBigUInt64LE(8)) };
}
