/** Random choices that a seed repeats; each purpose has a stream of its own, so that leaving one out moves no other. */

export class Random {
  #state: number;

  constructor(seed: number, purpose = '') {
    let state = seed >>> 0;
    for (let i = 0; i < purpose.length; i++) state = Math.imul(state ^ purpose.charCodeAt(i), 0x01000193);
    this.#state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0;
  }

  /** In [0, 1): mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** A whole number, small ones far more often: for delays, of which few are long. */
  mostlySmall(least: number, most: number): number {
    return least + Math.floor(this.next() ** 4 * (most - least + 1));
  }

  /** One of them; fails on none. */
  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.next() * items.length)] as T;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const left = [...items];
    return items.map(() => left.splice(this.between(0, left.length - 1), 1)[0] as T);
  }
}
