/**
 * What one launch printed, both streams. The bound per stream is kept by whoever calls `trim` (or `append`, which trims).
 * A reader gets a line in the place of output that is gone. Readers of the same object neither repeat nor miss bytes over
 * a trim, and a reader of any object continues where another one left off: offsets count from the beginning of the output
 * and not of a file.
 */

import { renameSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, LogChunk, LogPosition, LogQuery } from '../../scheduler/ports.ts';
import { sleep } from '../../scheduler/waiting.ts';
import { droppedLine, heldLine } from './gaps.ts';
import { blockBytes, StreamFile } from './stream-file.ts';

export type Stream = LogChunk['stream'];
export const streams: readonly Stream[] = ['stdout', 'stderr'];

const newline = 0x0a;
/** Blocks of one stream before the other gets its turn. */
const blocksPerTurn = 16;
/** A lease that stands in the way of a reader is over by then; a follower of a run that has ended waits no longer. */
const heldMs = 60_000;
/** How late a follower may be. */
const followPollMs = 200;

/** What a reader needs to know of the launch. */
export interface Following {
  readonly clock: Clock;
  /** True once nothing can be printed any more. */
  readonly ended: () => boolean;
}

interface Reader {
  readonly stream: Stream;
  readonly file: StreamFile;
  at: number;
  readonly until: number;
  /** Whether what was read so far ends within a line. */
  inLine: boolean;
  /** Since when the file can't be read, by a clock that is never set; null: it can. */
  heldSince: number | null;
}

export class LogFiles {
  #directory: string;
  readonly #files: Readonly<Record<Stream, StreamFile>>;
  #trimming: Promise<void> = Promise.resolve();

  constructor(directory: string, bytesPerStream: number) {
    this.#directory = directory;
    const file = (stream: Stream) => new StreamFile(() => join(this.#directory, stream), bytesPerStream);
    this.#files = { stdout: file('stdout'), stderr: file('stderr') };
  }

  path(stream: Stream): string {
    return this.#files[stream].path;
  }

  async exists(): Promise<boolean> {
    return (await lstat(this.#directory).catch(() => null)) !== null;
  }

  /** Moves the whole directory; readers go on. `directory` must not exist or be empty. */
  moveTo(directory: string): void {
    renameSync(this.#directory, directory); // Synchronous: no reader sees the new place before it is there.
    this.#directory = directory;
  }

  /** Appends in the order of calls that are awaited one after the other. */
  async append(stream: Stream, bytes: Uint8Array): Promise<void> {
    await this.#files[stream].append(bytes);
    await this.trim();
  }

  /** Bytes on disk, both generations of both streams. */
  async bytes(): Promise<number> {
    return (await this.#files.stdout.bytes()) + (await this.#files.stderr.bytes());
  }

  /** Brings both streams back under their bound. */
  trim(): Promise<void> {
    const next = this.#trimming.then(async () => {
      for (const stream of streams) await this.#files[stream].trim();
    });
    this.#trimming = next.catch(() => {});
    return next;
  }

  /** How many bytes of the oldest output of both streams are gone because of the bound. */
  async bytesDropped(): Promise<number> {
    return (await this.dropped('stdout')) + (await this.dropped('stderr'));
  }

  /** How many bytes of the oldest output are gone because of the bound. */
  dropped(stream: Stream): Promise<number> {
    return this.#files[stream].dropped();
  }

  /**
   * What is there: after a position, or the last `tail` lines of each stream, or from the start; then what comes if asked
   * to follow.
   */
  async *read(query: LogQuery, following: Following): AsyncGenerator<LogChunk, void, undefined> {
    const readers: Reader[] = [];
    const isHeldNow = ({ clock }: Following): boolean =>
      readers.some(({ heldSince }) => heldSince !== null && clock.monotonicMs() - heldSince < heldMs);
    const position = (): LogPosition => positionOf(readers, query);
    for (const stream of query.stream ? [query.stream] : streams)
      readers.push(await this.#reader(stream, query));
    // Which lines are the last ones is decided: a reader that is cut off before any of them continues from here.
    if (query.tail !== undefined && query.after === undefined)
      yield { stream: query.stream ?? 'stdout', bytes: new Uint8Array(0), next: position() };
    for (;;) {
      // Asked before reading: what was printed up to the end is read after it is known to have ended.
      const last = !query.follow || following.ended();
      let idle = true;
      for (const reader of readers) {
        const { stream, file } = reader;
        for (let turn = 0; turn < blocksPerTurn && reader.at < reader.until; turn++) {
          if (query.signal?.aborted) return;
          const { bytes, at, held } = await file.readAt(reader.at, blockBytes);
          if (held && reader.heldSince === null) {
            yield { stream, bytes: heldLine(stream, reader.inLine), next: position() };
            reader.inLine = false;
            reader.heldSince = following.clock.monotonicMs();
          }
          if (!held) reader.heldSince = null;
          const wanted = bytes.subarray(0, Math.max(0, reader.until - at));
          if (wanted.length === 0) break;
          idle = false;
          const missed = at - reader.at;
          reader.at = at;
          if (missed > 0) yield { stream, bytes: droppedLine(missed, reader.inLine), next: position() };
          reader.at += wanted.length;
          yield { stream, bytes: wanted, next: position() };
          reader.inLine = wanted.at(-1) !== newline;
        }
      }
      if (query.signal?.aborted || (idle && last && !(query.follow && isHeldNow(following)))) return;
      if (idle) await sleep(following.clock, followPollMs, query.signal);
    }
  }

  /** Makes files of the launch's user files of the scheduler, see stream-file.ts. */
  async takeOver(): Promise<void> {
    for (const stream of streams) await this.#files[stream].takeOver();
  }

  async #reader(stream: Stream, { tail, follow, after }: LogQuery): Promise<Reader> {
    const file = this.#files[stream];
    const range = await file.range();
    let at = 0;
    // Output that the machine lost with its power is gone: what is printed now follows.
    if (after !== undefined) at = Math.min(after[stream], range.end);
    else if (tail !== undefined) at = await file.tailOffset(tail, range);
    const until = follow ? Number.POSITIVE_INFINITY : range.end;
    return { stream, file, at, until, inLine: await file.isWithinLine(at), heldSince: null };
  }
}

/** Of a stream that is not read, the reader has what it had before. */
function positionOf(readers: readonly Reader[], { after }: LogQuery): LogPosition {
  const of = (wanted: Stream): number =>
    readers.find(({ stream }) => stream === wanted)?.at ?? after?.[wanted] ?? 0;
  return { stdout: of('stdout'), stderr: of('stderr') };
}
