/**
 * What one launch printed: a directory with a file per stream and one older generation of each
 * (`stdout`, `stdout.old`). Whoever writes opens the files O_APPEND, so that a file can be cut to nothing
 * under a writer that knows nothing of it.
 *
 * The bound per stream is kept by whoever calls `trim` (or `append`, which trims): past half of the bound the
 * newest half becomes the older generation. How many bytes went is counted beside it (`stdout.dropped`), and a
 * reader gets a line that says so in their place. Between two trims a writer with the file open may exceed the
 * bound by what it prints meanwhile; what it prints in the microseconds between the last look and the cut is
 * lost. Readers of the same object neither repeat nor miss bytes over a trim, because they count from the
 * beginning of the output and not of the file.
 */

import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { appendFile, type FileHandle, lstat, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, LogChunk, LogQuery, StopSignal } from '../../scheduler/ports.ts';
import { droppedLine, heldLine } from './gaps.ts';

export type Stream = LogChunk['stream'];
export const streams: readonly Stream[] = ['stdout', 'stderr'];

const newline = 0x0a;
/** One read; small enough to keep many followers cheap. */
const blockBytes = 64 * 1024;
/** Blocks of one stream before the other gets its turn. */
const blocksPerTurn = 16;
/** A lease that stands in the way of a reader is over by then; a follower of a run that has ended waits no longer. */
const heldMs = 60_000;
/** How late a follower may be. */
const followPollMs = 200;

/**
 * A file of output is never a link, nor a pipe that somebody would have to open too. Its owner may hold a lease on it, for
 * which an open would wait for a minute unless it is told not to.
 */
const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = constants;
const flags = {
  read: O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
  change: O_RDWR | O_NOFOLLOW | O_NONBLOCK,
  append: O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW,
  replace: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
} as const;

/** What a reader needs to know of the launch. */
export interface Following {
  readonly clock: Clock;
  /** True once nothing can be printed any more. */
  readonly ended: () => boolean;
}

/** A stretch of output, counted from its first byte ever printed. */
interface Range {
  readonly first: number;
  readonly end: number;
}

interface Reader {
  readonly stream: Stream;
  at: number;
  readonly until: number;
  /** Bytes before `at` that are gone and were not yet told of. */
  missed: number;
  /** Whether what was read so far ends within a line. */
  inLine: boolean;
  /** Since when the file can't be read, by a clock that is never set; null: it can. */
  heldSince: number | null;
}

export class LogFiles {
  #directory: string;
  readonly #bytesPerStream: number;
  /** Where the newest file begins, counted from the first byte ever printed. */
  readonly #begin: Record<Stream, number> = { stdout: 0, stderr: 0 };
  #trimming: Promise<void> = Promise.resolve();

  constructor(directory: string, bytesPerStream: number) {
    this.#directory = directory;
    this.#bytesPerStream = bytesPerStream;
  }

  path(stream: Stream): string {
    return join(this.#directory, stream);
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
    await appendFile(this.path(stream), bytes, { mode: 0o600, flag: flags.append });
    await this.trim();
  }

  /** Bytes on disk, both generations of both streams. */
  async bytes(): Promise<number> {
    const paths = streams.flatMap((stream) => [this.path(stream), this.#oldPath(stream)]);
    const sizes = await Promise.all(paths.map(sizeOf));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Brings both streams back under their bound. */
  trim(): Promise<void> {
    const next = this.#trimming.then(async () => {
      for (const stream of streams) await this.#trimStream(stream);
    });
    this.#trimming = next.catch(() => {});
    return next;
  }

  /** How many bytes of the oldest output of both streams are gone because of the bound. */
  async bytesDropped(): Promise<number> {
    return (await this.dropped('stdout')) + (await this.dropped('stderr'));
  }

  /** How many bytes of the oldest output are gone because of the bound. */
  async dropped(stream: Stream): Promise<number> {
    const text = await readFile(this.#droppedPath(stream), { encoding: 'utf8', flag: flags.read }).catch(
      (error) => {
        if (isMissing(error)) return '0';
        throw error;
      },
    );
    return Number(text);
  }

  /** What is there, from the start or the last `tail` lines of each stream, then what comes if asked to follow. */
  async *read(query: LogQuery, following: Following): AsyncGenerator<LogChunk, void, undefined> {
    const readers: Reader[] = [];
    const isHeldNow = ({ clock }: Following): boolean =>
      readers.some(({ heldSince }) => heldSince !== null && clock.monotonicMs() - heldSince < heldMs);
    for (const stream of query.stream ? [query.stream] : streams)
      readers.push(await this.#reader(stream, query));
    for (;;) {
      // Asked before reading: what was printed up to the end is read after it is known to have ended.
      const last = !query.follow || following.ended();
      let idle = true;
      for (const reader of readers) {
        for (let turn = 0; turn < blocksPerTurn && reader.at < reader.until; turn++) {
          if (query.signal?.aborted) return;
          const { bytes, at, held } = await this.#readAt(reader.stream, reader.at, blockBytes);
          if (held && reader.heldSince === null) {
            yield { stream: reader.stream, bytes: heldLine(reader.stream, reader.inLine) };
            reader.inLine = false;
            reader.heldSince = following.clock.monotonicMs();
          }
          if (!held) reader.heldSince = null;
          const wanted = bytes.subarray(0, Math.max(0, reader.until - at));
          const missed = reader.missed + at - reader.at;
          reader.at = at + wanted.length;
          if (wanted.length === 0) break;
          idle = false;
          if (missed > 0) yield { stream: reader.stream, bytes: droppedLine(missed, reader.inLine) };
          yield { stream: reader.stream, bytes: wanted };
          reader.missed = 0;
          reader.inLine = wanted.at(-1) !== newline;
        }
      }
      if (query.signal?.aborted || (idle && last && !(query.follow && isHeldNow(following)))) return;
      if (idle) await pause(following.clock, followPollMs, query.signal);
    }
  }

  /**
   * Makes files of the launch's user files of the scheduler: that user may have kept a name or a descriptor of them. Only
   * after the launch has ended. Fails while one is held.
   */
  async takeOver(): Promise<void> {
    for (const stream of streams) {
      const source = await open(this.path(stream), flags.change).catch(nullIfMissing);
      if (source === null) continue;
      try {
        if ((await source.stat()).uid === process.geteuid?.()) continue;
        const next = `${this.path(stream)}.next`;
        const target = await open(next, flags.replace, 0o600);
        try {
          await copyRange(source, target, { from: 0, to: this.#bytesPerStream });
        } finally {
          await target.close();
        }
        renameSync(next, this.path(stream));
      } finally {
        await source.close();
      }
    }
  }

  async #reader(stream: Stream, { tail, follow }: LogQuery): Promise<Reader> {
    const range = await this.#range(stream);
    const at = tail === undefined ? range.first : await this.#tailPosition(stream, tail, range);
    const until = follow ? Number.POSITIVE_INFINITY : range.end;
    const missed = at === range.first && tail !== 0 ? await this.dropped(stream) : 0;
    return { stream, at, until, missed, inLine: false, heldSince: null };
  }

  async #trimStream(stream: Stream): Promise<void> {
    const path = this.path(stream);
    const half = Math.floor(this.#bytesPerStream / 2);
    if ((await sizeOf(path)) <= half) return;
    const source = await open(path, flags.change).catch(nullIfHeld);
    // The next call finds it free: the system ends a lease that stands in the way.
    if (source === null) return;
    try {
      const before = (await this.dropped(stream)) + (await sizeOf(this.#oldPath(stream)));
      const next = `${this.#oldPath(stream)}.next`;
      const target = await open(next, flags.replace, 0o600);
      try {
        const copied = await copyTail(source, target, half);
        // Synchronous from here: what was printed during the copy comes along, and no reader sees half of it.
        const end = catchUp(source, target, copied, half);
        renameSync(next, this.#oldPath(stream));
        ftruncateSync(source.fd, 0);
        this.#begin[stream] += end;
        this.#noteDropped(stream, before + end - fstatSync(target.fd).size);
      } finally {
        await target.close();
      }
    } finally {
      await source.close();
    }
  }

  /** Whole or not at all. */
  #noteDropped(stream: Stream, bytes: number): void {
    const next = `${this.#droppedPath(stream)}.next`;
    const file = openSync(next, flags.replace, 0o600);
    writeFileSync(file, String(bytes));
    closeSync(file);
    renameSync(next, this.#droppedPath(stream));
  }

  #droppedPath(stream: Stream): string {
    return `${this.path(stream)}.dropped`;
  }

  #oldPath(stream: Stream): string {
    return `${this.path(stream)}.old`;
  }

  async #range(stream: Stream): Promise<Range> {
    for (;;) {
      const begin = this.#begin[stream];
      const [size, oldSize] = await Promise.all([sizeOf(this.path(stream)), sizeOf(this.#oldPath(stream))]);
      if (begin === this.#begin[stream]) return { first: begin - oldSize, end: begin + size };
    }
  }

  /** Up to `length` bytes from `at` on, or from the oldest kept byte behind it; empty at the end. */
  async #readAt(stream: Stream, at: number, length: number): Promise<Part & { readonly at: number }> {
    for (;;) {
      const begin = this.#begin[stream];
      const range = await this.#range(stream);
      // Somebody else cut the file: what is in it now follows what was read.
      if (at > range.end && begin === this.#begin[stream]) this.#begin[stream] = at;
      const from = Math.max(at, range.first);
      const old = from < begin;
      const part = old
        ? await readSome(this.#oldPath(stream), from - range.first, Math.min(length, begin - from))
        : await readSome(this.path(stream), from - begin, length);
      if (begin === this.#begin[stream]) return { ...part, at: from };
    }
  }

  /** Where the last `lines` lines begin; reads backwards and only as far as it must. */
  async #tailPosition(stream: Stream, lines: number, range: Range): Promise<number> {
    let missing = lines;
    let to = range.end;
    if (missing <= 0) return to;
    while (to > range.first) {
      const begin = this.#begin[stream];
      const from = Math.max(to > begin ? begin : range.first, to - blockBytes);
      const { bytes, at } = await this.#readAt(stream, from, to - from);
      for (let index = bytes.length - 1; index >= 0; index--) {
        const behind = at + index + 1;
        if (bytes[index] === newline && behind !== range.end && --missing === 0) return behind;
      }
      to = from;
    }
    return range.first;
  }
}

/** Copies the last `keep` bytes; returns up to where it read. */
async function copyTail(source: FileHandle, target: FileHandle, keep: number): Promise<number> {
  const end = (await source.stat()).size;
  return copyRange(source, target, { from: Math.max(0, end - keep), to: end });
}

/** Copies what there is of a range; returns up to where it read. */
async function copyRange(source: FileHandle, target: FileHandle, { from, to }: { from: number; to: number }) {
  const block = Buffer.allocUnsafe(blockBytes);
  let at = from;
  while (at < to) {
    const { bytesRead } = await source.read(block, 0, Math.min(blockBytes, to - at), at);
    if (bytesRead === 0) break;
    await target.write(block, 0, bytesRead);
    at += bytesRead;
  }
  return at;
}

/** Copies what came after `from`, at most the newest `keep` bytes of it; returns the end of the file. */
function catchUp(source: FileHandle, target: FileHandle, from: number, keep: number): number {
  const end = fstatSync(source.fd).size;
  const block = Buffer.allocUnsafe(blockBytes);
  let at = Math.max(from, end - keep);
  while (at < end) {
    const count = readSync(source.fd, block, 0, Math.min(blockBytes, end - at), at);
    if (count === 0) break;
    writeSync(target.fd, block, 0, count);
    at += count;
  }
  return end;
}

interface Part {
  readonly bytes: Uint8Array;
  /** Nothing can be read now: a process holds a lease on the file. */
  readonly held: boolean;
}

async function readSome(path: string, offset: number, length: number): Promise<Part> {
  let file: FileHandle;
  try {
    file = await open(path, flags.read);
  } catch (error) {
    if (isMissing(error) || isHeld(error)) return { bytes: new Uint8Array(0), held: isHeld(error) };
    throw error;
  }
  try {
    const block = Buffer.allocUnsafe(length);
    const { bytesRead } = await file.read(block, 0, length, offset);
    return { bytes: block.subarray(0, bytesRead), held: false };
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await lstat(path)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

const isHeld = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EAGAIN';

function nullIfHeld(error: unknown): null {
  if (isHeld(error)) return null;
  throw error;
}

function nullIfMissing(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}

/** Waits, but not longer than until the signal is given. */
function pause(clock: Clock, delayMs: number, signal: StopSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.after(delayMs, finish);
    signal?.addEventListener('abort', finish);
    if (signal?.aborted) finish();
  });
}
