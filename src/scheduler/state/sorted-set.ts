/**
 * An ordered set in chunks: adding, removing and iterating from an item are cheap for any size. Items added
 * before the first read are sorted once.
 */

/** Initial items per chunk. A chunk of twice as many is split. */
const CHUNK = 1_024;

export class SortedSet<T> {
  readonly #order: (a: T, b: T) => number;
  #chunks: T[][] = [];
  /** Added before the first read. Null since then. */
  #unsorted: T[] | null = [];
  #changes = 0;

  /** No two items in the set may be equal by the order. */
  constructor(order: (a: T, b: T) => number) {
    this.#order = order;
  }

  /** Changes with each modification. */
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

  /** No effect if the item is not in the set. */
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

  /** The items after `thing`, or all. Valid until the next change. */
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

  /** Sorts what was added before the first read. This is the longest operation, so call it after loading. */
  sort(): void {
    if (this.#unsorted === null) return;
    const sorted = this.#unsorted.sort(this.#order);
    this.#unsorted = null;
    for (let at = 0; at < sorted.length; at += CHUNK) this.#chunks.push(sorted.slice(at, at + CHUNK));
  }

  /** The chunk that contains the item, or would: the last one that does not start after it. */
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

  /** The first index in the chunk that is not before the item. */
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
