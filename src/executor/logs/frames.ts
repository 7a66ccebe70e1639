/** Frames of output in a file (supervisor/launch.h): time, size, kind, bytes. */

import type { FileHandle } from 'node:fs/promises';

/** A stream, or how many bytes of each stream came before. */
export const frameKind = { stdout: 0, stderr: 1, positions: 3 } as const;
const frameHead = 16;
/** Of what the supervisor writes. A larger one shows that the file is damaged: it is not read further. */
const maxFrameBytes = 64 * 1024;
const blockBytes = 64 * 1024;

export interface Frame {
  readonly timeNs: bigint;
  readonly kind: number;
  readonly bytes: Uint8Array;
}

/** Reads the frames of a file that grows. */
export class FrameReader {
  readonly #file: FileHandle;
  #at: number;
  #unread: Buffer = Buffer.alloc(0);

  constructor(file: FileHandle, begin: number) {
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
    return this.#unread.length >= frameHead && this.#unread.readUInt32LE(8) > maxFrameBytes;
  }

  #parse(): Frame[] {
    const found: Frame[] = [];
    let at = 0;
    while (at + frameHead <= this.#unread.length) {
      const size = this.#unread.readUInt32LE(at + 8);
      if (size > maxFrameBytes || at + frameHead + size > this.#unread.length) break;
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
