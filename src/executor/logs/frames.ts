/** Frames of output in files, which begin as supervisor/launch.h says: time, size, kind, bytes. */

/** The first line of the first part: its size, and its text. */
export const statusBytes = 64;
const status = /^carillon-launch 1 (\d{6}) (\d{10}) (\d{15})\n/;

export interface Status {
  /** Where the frames of the first part begin. */
  readonly begin: number;
  /** The number of the newest part. */
  readonly newest: number;
  /** Bytes of output that were dropped. */
  readonly dropped: number;
}

export function statusLine({ begin, newest, dropped }: Status): string {
  const digits = (value: number, count: number): string => String(value).padStart(count, '0');
  return `carillon-launch 1 ${digits(begin, 6)} ${digits(newest, 10)} ${digits(dropped, 15)}\n`;
}

/** Null if the bytes do not begin with such a line, as after a crash of the machine. */
export function parseStatus(bytes: Buffer): Status | null {
  const found = status.exec(bytes.toString('latin1', 0, statusBytes));
  if (!found) return null;
  const [begin, newest, dropped] = found.slice(1).map(Number) as [number, number, number];
  return { begin, newest, dropped };
}

/** Bytes of the first part and of each further one. The beginning of an output says what it is, and its end why it ended. */
export const partBounds = (logBytes: number): { readonly first: number; readonly further: number } => ({
  first: Math.floor(logBytes / 4),
  further: Math.floor((logBytes * 3) / 8),
});

/** A stream, or how many bytes of each stream came before. */
export const frameKind = { stdout: 0, stderr: 1, positions: 3 } as const;
export const frameHead = 16;
/** Of what is written. A larger one shows that the file is damaged: it is not read further. */
export const maxFrameBytes = 64 * 1024;
/** One for each stream. */
const positionsBytes = 16;
const blockBytes = 64 * 1024;

/** A job of the scheduler's user can write the file of its own output. */
function isFrame(bytes: Buffer, at: number): boolean {
  const size = bytes.readUInt32LE(at + 8);
  const isPositions = bytes.readUInt32LE(at + 12) === frameKind.positions;
  return size <= maxFrameBytes && (!isPositions || size >= positionsBytes);
}

export interface Frame {
  /** 0 if it is not known. */
  readonly timeNs: bigint;
  readonly kind: number;
  readonly bytes: Uint8Array;
}

export function frameOf({ timeNs, kind, bytes }: Frame): Buffer {
  const frame = Buffer.alloc(frameHead + bytes.length);
  frame.writeBigUInt64LE(timeNs, 0);
  frame.writeUInt32LE(bytes.length, 8);
  frame.writeUInt32LE(kind, 12);
  frame.set(bytes, frameHead);
  return frame;
}

/** An open file, or one of another host. */
export interface PartFile {
  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number; readonly buffer: Buffer }>;
  close(): Promise<void>;
}

/** Reads the frames of a file that grows. */
export class FrameReader {
  readonly #file: PartFile;
  #at: number;
  #unread: Buffer = Buffer.alloc(0);

  constructor(file: PartFile, begin: number) {
    this.#file = file;
    this.#at = begin;
  }

  /** Where the next frame begins. */
  get at(): number {
    return this.#at - this.#unread.length;
  }

  /** The next whole frames, a few at a time. None: there are no more yet. */
  async frames(): Promise<Frame[]> {
    for (;;) {
      const found = this.#parse();
      if (found.length > 0 || this.#isDamaged()) return found;
      const block = Buffer.allocUnsafe(blockBytes);
      const { bytesRead } = await this.#file.read(block, 0, blockBytes, this.#at);
      if (bytesRead === 0) {
        // A frame that the disk had no room for is cut away, and another one takes its place.
        this.#at -= this.#unread.length;
        this.#unread = Buffer.alloc(0);
        return [];
      }
      this.#at += bytesRead;
      this.#unread = Buffer.concat([this.#unread, block.subarray(0, bytesRead)]);
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #isDamaged(): boolean {
    return this.#unread.length >= frameHead && !isFrame(this.#unread, 0);
  }

  #parse(): Frame[] {
    const found: Frame[] = [];
    let at = 0;
    while (at + frameHead <= this.#unread.length) {
      const size = this.#unread.readUInt32LE(at + 8);
      if (!isFrame(this.#unread, at) || at + frameHead + size > this.#unread.length) break;
      const bytes = this.#unread.subarray(at + frameHead, at + frameHead + size);
      found.push({
        timeNs: this.#unread.readBigUInt64LE(at),
        kind: this.#unread.readUInt32LE(at + 12),
        bytes,
      });
      at += frameHead + size;
    }
    this.#unread = this.#unread.subarray(at);
    return found;
  }
}
