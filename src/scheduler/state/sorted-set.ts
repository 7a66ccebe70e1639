/**
 * Things in an order, in chunks: adding, removing and reading on from a thing cost next to nothing, however many there
 * are. What is added before the first read is sorted once.
 */

/** Things in a chunk when it is made; one of twice as many is split. */
const CHUNK = 1_024;

export class SortedSet<T> {
  readonly #order: (a: T, b: T) => number;
  #chunks: T[][] = [];
  /** Added before anything was read; null since then. */
  #unsorted: T[] | null = [];
  #changes = 0;

  /** No two things that are in it at a time may be equal by the order. */
  constructor(order: (a: T, b: T) => number) {
    this.#order = order;
  }

  /** Another number after each change. */
  get version(): number {
    return this.#changes;
  }

  add(thing: T): void {
    this.#changes += 1;
    if (this.#unsorted !== null) {
      this.#unsorted.push(thing);
      return;
    }
    const at = this.#chunkOf(thing);
    const chunk = this.#chunks[at];
    if (chunk === undefined) this.#chunks.push([thing]);
    else {
      chunk.splice(this.#placeIn(chunk, thing), 0, thing);
      if (chunk.length >= 2 * CHUNK) this.#chunks.splice(at, 1, chunk.slice(0, CHUNK), chunk.slice(CHUNK));
    }
  }

  /** Of a thing that is not in it nothing is removed. */
  remove(thing: T): void {
    this.#changes += 1;
    this.sort();
    const at = this.#chunkOf(thing);
    const chunk = this.#chunks[at] ?? [];
    const place = this.#placeIn(chunk, thing);
    if (place === chunk.length || this.#order(chunk[place] as T, thing) !== 0) return;
    chunk.splice(place, 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
  }

  /** Those behind `thing`, or all. Good until the next change. */
  *after(thing: T | null): Iterable<T> {
    this.sort();
    const first = thing === null ? 0 : this.#chunkOf(thing);
    for (let at = first; at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at] as T[];
      let place = at === first && thing !== null ? this.#placeIn(chunk, thing) : 0;
      if (thing !== null && place < chunk.length && this.#order(chunk[place] as T, thing) === 0) place += 1;
      for (; place < chunk.length; place++) yield chunk[place] as T;
    }
  }

  /** Sorts what was added before the first read; the longest work there is, so it is done when all is loaded. */
  sort(): void {
    if (this.#unsorted === null) return;
    const sorted = this.#unsorted.sort(this.#order);
    this.#unsorted = null;
    for (let at = 0; at < sorted.length; at += CHUNK) this.#chunks.push(sorted.slice(at, at + CHUNK));
  }

  /** The chunk that has the thing, or would: the last that does not begin behind it. */
  #chunkOf(thing: T): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#order(this.#chunks[middle]?.[0] as T, thing) <= 0) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** The first place in the chunk that is not before the thing. */
  #placeIn(chunk: readonly T[], thing: T): number {
    let low = 0;
    let high = chunk.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#order(chunk[middle] as T, thing) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
