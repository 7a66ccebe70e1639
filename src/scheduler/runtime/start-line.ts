/**
 * Waiting starts in their starting order: a binary heap whose entries know their position, so that each can
 * be removed by its key. Adding, taking and dropping take logarithmic time.
 */

interface Waiting<T> {
  readonly key: string;
  readonly value: T;
  /** Breaks ties in order of arrival. */
  readonly turn: number;
  /** Position in the heap. */
  at: number;
}

export class StartLine<T> {
  readonly #comesBefore: (a: T, b: T) => boolean;
  readonly #heap: Waiting<T>[] = [];
  readonly #byKey = new Map<string, Waiting<T>>();
  #turns = 0;

  /** `comesBefore` must return false both ways for equal entries. */
  constructor(comesBefore: (a: T, b: T) => boolean) {
    this.#comesBefore = comesBefore;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Replaces an entry of the same key. */
  add(key: string, value: T): void {
    this.drop(key);
    const entry = { key, value, turn: this.#turns++, at: this.#heap.length };
    this.#byKey.set(key, entry);
    this.#heap.push(entry);
    this.#rise(entry);
  }

  /** Removes and returns the first entry. Undefined if nothing waits. */
  take(): T | undefined {
    const first = this.#heap[0];
    if (first !== undefined) this.drop(first.key);
    return first?.value;
  }

  /** Removes the entry of this key and returns its value. Undefined if there is none. */
  drop(key: string): T | undefined {
    const entry = this.#byKey.get(key);
    if (entry === undefined) return undefined;
    this.#byKey.delete(key);
    const last = this.#heap.pop() as Waiting<T>;
    if (last !== entry) {
      this.#put(last, entry.at);
      this.#rise(last);
      this.#sink(last);
    }
    return entry.value;
  }

  clear(): void {
    this.#heap.length = 0;
    this.#byKey.clear();
  }

  #rise(entry: Waiting<T>): void {
    while (entry.at > 0) {
      const parent = this.#heap[(entry.at - 1) >> 1] as Waiting<T>;
      if (!this.#isBefore(entry, parent)) return;
      this.#swap(entry, parent);
    }
  }

  #sink(entry: Waiting<T>): void {
    for (;;) {
      const left = this.#heap[2 * entry.at + 1];
      const right = this.#heap[2 * entry.at + 2];
      const first = right !== undefined && this.#isBefore(right, left as Waiting<T>) ? right : left;
      if (first === undefined || !this.#isBefore(first, entry)) return;
      this.#swap(entry, first);
    }
  }

  #isBefore(a: Waiting<T>, b: Waiting<T>): boolean {
    if (this.#comesBefore(a.value, b.value)) return true;
    return !this.#comesBefore(b.value, a.value) && a.turn < b.turn;
  }

  #swap(a: Waiting<T>, b: Waiting<T>): void {
    const { at } = a;
    this.#put(a, b.at);
    this.#put(b, at);
  }

  #put(entry: Waiting<T>, at: number): void {
    entry.at = at;
    this.#heap[at] = entry;
  }
}
