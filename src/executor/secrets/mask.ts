/**
 * Replaces secrets in output by `***`, wherever the pieces in which it arrives are cut. The supervisor does the same for
 * processes, in C (supervisor/mask.h), with masks that are made here: of several that begin at one place, the longest counts.
 */

/** Shorter values would hide ordinary words, and an output never becomes longer. */
const leastBytes = 4;
/** Of a line within a value. */
const leastLineBytes = 8;
/** Of one mask: a longer value is masked in pieces of this size. So no more than this is held back. */
export const mostMaskBytes = 4_096;
const hidden = Buffer.from('***');

/** The texts to mask for these values: themselves, their lines, and as JSON, in addresses and as base64. Longest first. */
export function masksOf(values: Iterable<string | Uint8Array>): Buffer[] {
  const found = new Map<string, Buffer>();
  const add = (bytes: Buffer, least: number): void => {
    if (bytes.length < least) return;
    for (let at = 0; at < bytes.length; at += mostMaskBytes) {
      const piece = bytes.subarray(at, at + mostMaskBytes);
      if (piece.length >= leastBytes) found.set(piece.toString('latin1'), piece);
    }
  };
  for (const given of values) {
    const value = withoutLineEnd(Buffer.from(given));
    add(value, leastBytes);
    for (const line of linesOf(value)) add(line, leastLineBytes);
    // What is longer is a file, which nobody puts into an address.
    if (value.length < leastBytes || value.length > mostMaskBytes) continue;
    const text = value.toString('utf8');
    if (!text.includes('\ufffd')) {
      add(Buffer.from(JSON.stringify(text).slice(1, -1)), leastBytes);
      add(Buffer.from(encodeURIComponent(text)), leastBytes);
    }
    for (const form of ['base64', 'base64url'] as const)
      add(Buffer.from(value.toString(form).replace(/=+$/, '')), leastBytes);
  }
  return [...found.values()].sort((a, b) => b.length - a.length);
}

function withoutLineEnd(value: Buffer): Buffer {
  if (value.at(-1) !== 0x0a) return value;
  return value.subarray(0, value.at(-2) === 0x0d ? -2 : -1);
}

function linesOf(value: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from < value.length; ) {
    const end = value.indexOf(0x0a, from);
    const to = end < 0 ? value.length : end;
    if (from > 0 || end >= 0)
      lines.push(value.subarray(from, value[to - 1] === 0x0d && to > from ? to - 1 : to));
    from = to + 1;
  }
  return lines;
}

/** The masks of one stream, with what may be the beginning of one. */
export class Mask {
  readonly #byFirst: readonly (readonly Buffer[] | undefined)[];
  #held: Buffer = Buffer.alloc(0);

  /** `masks`: longest first. */
  constructor(masks: readonly Buffer[]) {
    const byFirst: Buffer[][] = [];
    for (const mask of masks) (byFirst[mask[0]!] ??= []).push(mask);
    this.#byFirst = byFirst;
  }

  /** True: the next bytes may belong to what was held back. */
  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** What can be shown of the output so far. */
  push(bytes: Uint8Array): Buffer {
    return this.#take(bytes, false);
  }

  /** The rest, after the last bytes. */
  end(): Buffer {
    return this.#take(new Uint8Array(0), true);
  }

  #take(bytes: Uint8Array, isEnd: boolean): Buffer {
    const all = this.#held.length > 0 ? Buffer.concat([this.#held, bytes]) : asBuffer(bytes);
    const shown: Buffer[] = [];
    let from = 0;
    let at = 0;
    while (at < all.length) {
      const masks = this.#byFirst[all[at]!];
      const length = masks === undefined ? 0 : matchAt(all, at, masks, isEnd);
      if (length === null) break;
      if (length === 0) at += 1;
      else {
        shown.push(all.subarray(from, at), hidden);
        at += length;
        from = at;
      }
    }
    this.#held = Buffer.from(all.subarray(at));
    if (shown.length === 0) return all.subarray(0, at);
    return Buffer.concat([...shown, all.subarray(from, at)]);
  }
}

/** Bytes of the longest mask that is there; 0: none. Null: the next bytes decide. */
function matchAt(all: Buffer, at: number, masks: readonly Buffer[], isEnd: boolean): number | null {
  for (const mask of masks) {
    const there = Math.min(mask.length, all.length - at);
    let same = 1;
    while (same < there && all[at + same] === mask[same]) same += 1;
    if (same < there) continue;
    if (there === mask.length) return there;
    if (!isEnd) return null;
  }
  return 0;
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
