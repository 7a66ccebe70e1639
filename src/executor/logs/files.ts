/**
 * The output of one launch as two files, a stream each, that a process under the shell supervisor writes by itself. Callers
 * of `trim` keep each stream within its bound. Readers get a line in place of dropped output. They neither repeat nor miss
 * bytes over a trim, and can continue where a reader of another object stopped, because offsets count from the beginning of
 * the output and not of a file.
 */

import { renameSync, rmSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogChunk, LogPosition, LogQuery } from '../../scheduler/ports.ts';
import { sleep } from '../../scheduler/waiting.ts';
import { droppedLine, leasedLine } from './gaps.ts';
import { type Following, followPollMs, type LogOutput, type Stream, streams } from './output.ts';
import { blockBytes, StreamFile } from './stream-file.ts';

const newline = 0x0a;
/** Blocks read from one stream before the other gets its turn. */
const blocksPerTurn = 16;
/** The system breaks a lease within this time. A follower of an ended run does not wait longer. */
const leasedMs = 60_000;

interface Reader {
  readonly stream: Stream;
  readonly file: StreamFile;
  at: number;
  readonly until: number;
  /** Whether the output read so far ends within a line. */
  inLine: boolean;
  /** Since when the file cannot be read, by the monotonic clock. Null if it can. */
  heldSince: number | null;
}

export class LogFiles implements LogOutput {
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

  /** Files of the launch's user are replaced with copies that the scheduler owns; see stream-file.ts. */
  async moveTo(directory: string): Promise<void> {
    await this.trim();
    for (const stream of streams) await this.#files[stream].takeOver();
    // Synchronous: no reader sees the new place before it is there.
    rmSync(directory, { recursive: true, force: true });
    renameSync(this.#directory, directory);
    this.#directory = directory;
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

  /** Bytes of the oldest output of both streams that were dropped because of the bound. */
  async bytesDropped(): Promise<number> {
    return (await this.dropped('stdout')) + (await this.dropped('stderr'));
  }

  /** Bytes of the oldest output that were dropped because of the bound. */
  dropped(stream: Stream): Promise<number> {
    return this.#files[stream].dropped();
  }

  /**
   * The output after a position, or the last `tail` lines of each stream, or all of it; with `follow`, later output too.
   */
  async *read(query: LogQuery, following: Following): AsyncGenerator<LogChunk, void, undefined> {
    const readers: Reader[] = [];
    const isLeasedNow = ({ clock }: Following): boolean =>
      readers.some(({ heldSince }) => heldSince !== null && clock.monotonicMs() - heldSince < leasedMs);
    const position = (): LogPosition => positionOf(readers, query);
    for (const stream of query.stream ? [query.stream] : streams)
      readers.push(await this.#reader(stream, query));
    // Fixes which lines are the last ones: a reader that is cut off before the first of them continues from here.
    if (query.tail !== undefined && query.after === undefined)
      yield { stream: query.stream ?? 'stdout', bytes: new Uint8Array(0), next: position() };
    for (;;) {
      // Checked before reading, so that everything printed before the end is read.
      const last = !query.follow || following.ended();
      let idle = true;
      for (const reader of readers) {
        const { stream, file } = reader;
        for (let turn = 0; turn < blocksPerTurn && reader.at < reader.until; turn++) {
          if (query.signal?.aborted) return;
          const { bytes, at, leased } = await file.readAt(reader.at, blockBytes);
          if (leased && reader.heldSince === null) {
            yield { stream, bytes: leasedLine(stream, reader.inLine), next: position() };
            reader.inLine = false;
            reader.heldSince = following.clock.monotonicMs();
          }
          if (!leased) reader.heldSince = null;
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
      if (query.signal?.aborted || (idle && last && !(query.follow && isLeasedNow(following)))) return;
      if (idle) await sleep(following.clock, followPollMs, query.signal);
    }
  }

  async #reader(stream: Stream, { tail, follow, after }: LogQuery): Promise<Reader> {
    const file = this.#files[stream];
    const range = await file.range();
    let at = 0;
    // After a power failure, output past the end may be lost: continue with what is printed from now on.
    if (after !== undefined) at = Math.min(after[stream], range.end);
    else if (tail !== undefined) at = await file.tailOffset(tail, range);
    const until = follow ? Number.POSITIVE_INFINITY : range.end;
    return { stream, file, at, until, inLine: await file.isWithinLine(at), heldSince: null };
  }
}

/** For a stream that is not read, the reader keeps its position. */
function positionOf(readers: readonly Reader[], { after }: LogQuery): LogPosition {
  const of = (wanted: Stream): number =>
    readers.find(({ stream }) => stream === wanted)?.at ?? after?.[wanted] ?? 0;
  return { stdout: of('stdout'), stderr: of('stderr') };
}
