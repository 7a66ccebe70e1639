/** Splits a stream into the frames of the protocol: four bytes of length, followed by the content. */

/** The largest response is a list of children, about 20 bytes each; a larger length is invalid. */
const maxFrameBytes = 128 * 1024 * 1024;

export class Frames {
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** Returns the completed frames, each with its length in front. RangeError for an invalid stream. */
  take(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const frames: Buffer[] = [];
    for (;;) {
      const size = this.#nextSize();
      if (size === null || this.#bytes < size) return frames;
      const all = this.#joined();
      frames.push(all.subarray(0, size));
      this.#chunks = size < all.length ? [all.subarray(size)] : [];
      this.#bytes = all.length - size;
    }
  }

  #nextSize(): number | null {
    if (this.#bytes < 4) return null;
    const first = this.#chunks[0] as Buffer;
    const length = (first.length >= 4 ? first : this.#joined()).readInt32BE(0);
    if (length < 0 || length > maxFrameBytes) throw new RangeError(`a frame of ${length} bytes`);
    return length + 4;
  }

  #joined(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks, this.#bytes)];
    return this.#chunks[0] as Buffer;
  }
}
