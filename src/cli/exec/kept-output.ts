/** The beginning and the end of an output of any length. */

const HEAD_BYTES = 16 * 1024;
const TAIL_BYTES = 48 * 1024;

export class KeptOutput {
  #head = Buffer.alloc(0);
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #total = 0;

  add(chunk: Buffer): void {
    this.#total += chunk.length;
    const room = HEAD_BYTES - this.#head.length;
    if (room > 0) this.#head = Buffer.concat([this.#head, chunk.subarray(0, room)]);
    if (chunk.length <= room) return;
    this.#tail.push(chunk.subarray(Math.max(room, 0)));
    this.#tailBytes += chunk.length - Math.max(room, 0);
    // Not with each chunk, of which there may be many.
    if (this.#tailBytes > 2 * TAIL_BYTES) this.#tail = [this.#end()];
    this.#tailBytes = this.#tail.reduce((sum, { length }) => sum + length, 0);
  }

  bytes(): Buffer {
    const end = this.#end();
    const left = this.#total - this.#head.length - end.length;
    const gap = left > 0 ? Buffer.from(`\n[${left} bytes left out]\n`) : Buffer.alloc(0);
    return Buffer.concat([this.#head, gap, end]);
  }

  #end(): Buffer {
    return Buffer.concat(this.#tail).subarray(-TAIL_BYTES);
  }
}
