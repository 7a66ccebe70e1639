/**
 * One output stream of a launch: a file, one older generation of it (`stdout.old`), and the number of bytes dropped
 * before both (`stdout.dropped`). Offsets count from the first byte of the output, dropped bytes included, so they are
 * the same in every process that opens the files.
 *
 * Writers open the file with O_APPEND, so it can be truncated while they write. When it exceeds half of the bound,
 * `trim` keeps its newest half as the older generation. Between two trims the file may exceed the bound. Output printed
 * in the microseconds between the last read and the truncation is lost and not counted. A process that is killed during
 * a cut leaves `stdout.cut`, from which the next one learns how far the cut got.
 *
 * The system lets a truncation, and a rename over the file, wait for a write in progress. Only jobs under the shell
 * supervisor write to such files by themselves.
 */

import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { type FileHandle, lstat, open, readFile, unlink } from 'node:fs/promises';

const newline = 0x0a;
/** Size of one read. Small, so that many followers need little memory. */
export const blockBytes = 64 * 1024;

/**
 * The job may replace the file with a link, or with a pipe, on which an open would block. It may also hold a lease on
 * the file, for which an open without O_NONBLOCK waits up to a minute.
 */
const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = constants;
const flags = {
  read: O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
  change: O_RDWR | O_NOFOLLOW | O_NONBLOCK,
  replace: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
} as const;

/** The offsets of the output that is kept. */
export interface Range {
  readonly first: number;
  readonly end: number;
}

export interface Part {
  readonly bytes: Uint8Array;
  /** The file cannot be read now, because a process holds a lease on it. */
  readonly leased: boolean;
}

export class StreamFile {
  readonly #path: () => string;
  readonly #bound: number;
  /** Offset of the first byte of the newest file. */
  #begin = 0;
  #opening: Promise<void> | null = null;

  /** `path` is a function because the directory can be moved. */
  constructor(path: () => string, bound: number) {
    this.#path = path;
    this.#bound = bound;
  }

  get path(): string {
    return this.#path();
  }

  /** Bytes on disk, both generations. */
  async bytes(): Promise<number> {
    return (await sizeOf(this.path)) + (await sizeOf(this.#old));
  }

  async range(): Promise<Range> {
    for (;;) {
      await this.#opened();
      const begin = this.#begin;
      const [size, oldSize] = await Promise.all([sizeOf(this.path), sizeOf(this.#old)]);
      if (begin === this.#begin) return { first: begin - oldSize, end: begin + size };
    }
  }

  /** Up to `length` bytes from `at` on, or from the oldest kept byte after it. Empty at the end. */
  async readAt(at: number, length: number): Promise<Part & { readonly at: number }> {
    for (;;) {
      await this.#opened();
      const begin = this.#begin;
      const range = await this.range();
      // The job cut the file: its content follows what was already read.
      if (at > range.end && begin === this.#begin) this.#begin = at;
      const from = Math.max(at, range.first);
      const part =
        from < begin
          ? await readSome(this.#old, from - range.first, Math.min(length, begin - from))
          : await readSome(this.path, from - begin, length);
      if (begin === this.#begin) return { ...part, at: from };
    }
  }

  /** Where the last `lines` lines begin. 0 if no earlier line is kept. Reads backwards, no further than needed. */
  async tailOffset(lines: number, range: Range): Promise<number> {
    let missing = lines;
    let to = range.end;
    if (missing <= 0) return to;
    while (to > range.first) {
      const begin = this.#begin;
      const from = Math.max(to > begin ? begin : range.first, to - blockBytes);
      const { bytes, at } = await this.readAt(from, to - from);
      for (let index = bytes.length - 1; index >= 0; index--) {
        const behind = at + index + 1;
        if (bytes[index] === newline && behind !== range.end && --missing === 0) return behind;
      }
      to = from;
    }
    return 0;
  }

  /** Whether the offset is within a line. True also if the byte before it is no longer kept. */
  async isWithinLine(offset: number): Promise<boolean> {
    if (offset === 0) return false;
    const { bytes, at } = await this.readAt(offset - 1, 1);
    return at !== offset - 1 || bytes[0] !== newline;
  }

  /** Bytes of the oldest output that were dropped because of the bound. */
  async dropped(): Promise<number> {
    await this.#opened();
    return this.#droppedAsNoted();
  }

  /** Brings the file back under its bound. Only one call at a time. */
  async trim(): Promise<void> {
    const half = Math.floor(this.#bound / 2);
    if ((await sizeOf(this.path)) <= half) return;
    await this.#opened();
    const source = await open(this.path, flags.change).catch(nullIfLeased);
    // The system breaks the lease, so a later call succeeds.
    if (source === null) return;
    try {
      const target = await open(this.#next, flags.replace, 0o600);
      try {
        this.#cut(source, target, { copied: await copyTail(source, target, half), half });
      } finally {
        await target.close();
      }
    } finally {
      await source.close();
    }
  }

  /**
   * Replaces a file of the launch's user with a copy that the scheduler owns, because that user may still have a link to
   * the file or a descriptor of it. Call it only after the launch has ended. Fails while a lease is held.
   */
  async takeOver(): Promise<void> {
    const source = await open(this.path, flags.change).catch(nullIfMissing);
    if (source === null) return;
    try {
      if ((await source.stat()).uid === process.geteuid?.()) return;
      const next = `${this.path}.next`;
      const target = await open(next, flags.replace, 0o600);
      try {
        await copyRange(source, target, { from: 0, to: this.#bound });
      } finally {
        await target.close();
      }
      renameSync(next, this.path);
    } finally {
      await source.close();
    }
  }

  get #old(): string {
    return `${this.path}.old`;
  }

  get #next(): string {
    return `${this.#old}.next`;
  }

  get #note(): string {
    return `${this.path}.cut`;
  }

  /** Synchronous, so that no reader sees a half-done cut. Output printed during the copy is included. */
  #cut(
    source: FileHandle,
    target: FileHandle,
    { copied, half }: { readonly copied: number; readonly half: number },
  ): void {
    const note = openSync(this.#note, flags.replace, 0o600);
    try {
      writeSync(note, `${this.#begin} ${fstatSync(target.fd).ino} `);
      const end = catchUp(source, target, copied, half);
      writeSync(note, `${end}\n`);
      renameSync(this.#next, this.#old);
      ftruncateSync(source.fd, 0);
      this.#begin += end;
    } finally {
      closeSync(note);
    }
    this.#noteDropped(this.#begin - fstatSync(target.fd).size);
    unlinkSync(this.#note);
  }

  /** Runs once per object, and again after a failure. */
  #opened(): Promise<void> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<void> {
    await this.#endCut();
    this.#begin = (await this.#droppedAsNoted()) + (await sizeOf(this.#old));
  }

  /** Recovers from a cut whose process was killed: completes it if both steps were done, otherwise undoes it. */
  async #endCut(): Promise<void> {
    const note = await textOf(this.#note);
    if (note === null) return;
    const cut = noted(note);
    const old = await lstat(this.#old).catch(nullIfMissing);
    if (cut !== null && old !== null && old.ino === cut.ino) {
      const { begin, end } = cut;
      if (await isRepeated(this.#old, this.path, end - old.size)) {
        await unlink(this.#old).catch(nullIfMissing);
        this.#noteDropped(begin);
      } else this.#noteDropped(begin + end - old.size);
    }
    await unlink(this.#note).catch(nullIfMissing);
  }

  async #droppedAsNoted(): Promise<number> {
    return Number((await textOf(`${this.path}.dropped`)) ?? 0);
  }

  /** Whole or not at all. */
  #noteDropped(bytes: number): void {
    const next = `${this.path}.dropped.next`;
    const file = openSync(next, flags.replace, 0o600);
    writeFileSync(file, String(bytes));
    closeSync(file);
    renameSync(next, `${this.path}.dropped`);
  }
}

/** Of a cut: where the file began, the copy's inode, and the offset up to which it is cut. Null if it was not written whole. */
function noted(note: string): { begin: number; ino: number; end: number } | null {
  const [, begin, ino, end] = (/^(\d+) (\d+) (\d+)\n$/.exec(note) ?? []).map(Number);
  return begin === undefined || ino === undefined || end === undefined ? null : { begin, ino, end };
}

/** Copies the last `keep` bytes. Returns the offset at which it stopped reading. */
async function copyTail(source: FileHandle, target: FileHandle, keep: number): Promise<number> {
  const end = (await source.stat()).size;
  return copyRange(source, target, { from: Math.max(0, end - keep), to: end });
}

/** Copies a range as far as it exists. Returns the offset at which it stopped reading. */
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

/**
 * Copies the bytes after `from`, and returns the end of the file. If there are more than `keep`, the newest of them
 * replace the earlier copy, so that the copy has no gap.
 */
function catchUp(source: FileHandle, target: FileHandle, from: number, keep: number): number {
  const end = fstatSync(source.fd).size;
  const block = Buffer.allocUnsafe(blockBytes);
  let at = from;
  if (end - keep > from) {
    at = end - keep;
    ftruncateSync(target.fd, 0);
  }
  let to = fstatSync(target.fd).size;
  while (at < end) {
    const count = readSync(source.fd, block, 0, Math.min(blockBytes, end - at), at);
    if (count === 0) break;
    writeSync(target.fd, block, 0, count, to);
    at += count;
    to += count;
  }
  return end;
}

/** Whether the other file contains this file's bytes at offset `from`. */
async function isRepeated(path: string, inPath: string, from: number): Promise<boolean> {
  const { size } = await lstat(path);
  for (let at = 0; at < size; at += blockBytes) {
    const length = Math.min(blockBytes, size - at);
    const [one, other] = await Promise.all([readSome(path, at, length), readSome(inPath, from + at, length)]);
    if (Buffer.compare(one.bytes, other.bytes) !== 0) return false;
  }
  return true;
}

async function readSome(path: string, offset: number, length: number): Promise<Part> {
  let file: FileHandle;
  try {
    file = await open(path, flags.read);
  } catch (error) {
    if (isMissing(error) || isLeased(error)) return { bytes: new Uint8Array(0), leased: isLeased(error) };
    throw error;
  }
  try {
    const block = Buffer.allocUnsafe(length);
    const { bytesRead } = await file.read(block, 0, length, offset);
    return { bytes: block.subarray(0, bytesRead), leased: false };
  } finally {
    await file.close();
  }
}

const textOf = (path: string): Promise<string | null> =>
  readFile(path, { encoding: 'utf8', flag: flags.read }).catch(nullIfMissing);

async function sizeOf(path: string): Promise<number> {
  return (await lstat(path).catch(nullIfMissing))?.size ?? 0;
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

const isLeased = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EAGAIN';

function nullIfLeased(error: unknown): null {
  if (isLeased(error)) return null;
  throw error;
}

/** For `catch`: null if the file does not exist. */
export function nullIfMissing(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}
