/**
 * Writes lines to a descriptor whose reader may stop reading: nothing waits for it. What cannot be written now is
 * kept up to a limit and tried again. Further lines are dropped and counted.
 */

import { writeSync } from 'node:fs';
import type { Clock } from '../scheduler/ports.ts';

/** Characters that are not written yet: lines of 40,000 runs that end at once. */
const MAX_KEPT = 16 * 1_048_576;
/** A pipe has room for 64 KiB, so this is 3 MB per second for a reader that is slower than the writer. */
const RETRY_MS = 20;
const PIECE = 65_536;
/** At the end of the process: how often the rest is tried. */
const LAST_TRIES = 50;

export class Lines {
  readonly #fd: number;
  readonly #clock: Clock;
  readonly #onDropped: (lines: number) => void;
  /** What is left of lines that were written in part. */
  #piece = Buffer.alloc(0);
  #kept: string[] = [];
  #size = 0;
  #dropped = 0;
  #retrying = false;

  /** A pipe or socket must be non-blocking. */
  constructor(fd: number, clock: Clock, onDropped: (lines: number) => void) {
    this.#fd = fd;
    this.#clock = clock;
    this.#onDropped = onDropped;
    process.once('exit', () => this.#writeLast());
  }

  write(line: string): void {
    if (this.#size + line.length > MAX_KEPT) {
      this.#dropped += 1;
      return;
    }
    this.#kept.push(line);
    this.#size += line.length;
    if (!this.#retrying && !this.#writeKept()) this.#retry();
  }

  #retry(): void {
    this.#retrying = true;
    this.#clock.after(RETRY_MS, () => {
      if (!this.#writeKept()) {
        this.#retry();
        return;
      }
      this.#retrying = false;
      const lines = this.#dropped;
      this.#dropped = 0;
      if (lines > 0) this.#onDropped(lines);
    });
  }

  /** Returns true if nothing is left. */
  #writeKept(): boolean {
    while (this.#piece.length > 0 || this.#kept.length > 0) {
      if (this.#piece.length === 0) this.#piece = this.#takePiece();
      try {
        this.#piece = this.#piece.subarray(writeSync(this.#fd, this.#piece));
      } catch (error) {
        // The reader is slow, or the disk is full: this may pass. A reader that is gone does not come back.
        if ((error as NodeJS.ErrnoException).code !== 'EPIPE') return false;
        this.#piece = Buffer.alloc(0);
        this.#kept = [];
        this.#size = 0;
      }
    }
    return true;
  }

  #takePiece(): Buffer<ArrayBuffer> {
    let lines = 0;
    let size = 0;
    while (lines < this.#kept.length && size < PIECE) size += (this.#kept[lines++] as string).length;
    this.#size -= size;
    return Buffer.from(this.#kept.splice(0, lines).join(''));
  }

  #writeLast(): void {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let tries = 0; !this.#writeKept() && tries < LAST_TRIES; tries++)
      Atomics.wait(pause, 0, 0, RETRY_MS);
  }
}
