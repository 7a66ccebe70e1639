/**
 * The one simulated time, in whole milliseconds since the beginning. What is due at one instant happens in
 * random order, one at a time, and all that follows from it by promises happens before the next.
 */

import type { Random } from './random.ts';

interface Timer {
  readonly at: number;
  readonly tie: number;
  callback: (() => void) | null;
}

export class SimTime {
  now = 0;
  /** Events that happened; a measure of work. */
  events = 0;
  readonly #random: Random;
  readonly #heap: Timer[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  after(delayMs: number, callback: () => void): () => void {
    const at = this.now + Math.max(0, Math.ceil(delayMs));
    const timer: Timer = { at, tie: this.#random.next(), callback };
    this.#push(timer);
    return () => {
      timer.callback = null;
    };
  }

  /** Lets time pass; `stop` is asked after each event. */
  async runUntil(until: number, stop: () => boolean): Promise<void> {
    await settled();
    for (let next = this.#heap[0]; next !== undefined && next.at <= until; next = this.#heap[0]) {
      this.#pop();
      if (next.callback === null) continue;
      this.now = next.at;
      this.events += 1;
      next.callback();
      await settled();
      if (stop()) return;
    }
    this.now = until;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent] as Timer)) break;
      heap[at] = heap[parent] as Timer;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Timer;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) child += 1;
      if (!isBefore(heap[child] as Timer, last)) break;
      heap[at] = heap[child] as Timer;
      at = child;
    }
    heap[at] = last;
  }
}

const isBefore = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.tie < b.tie);

/** All promises that can go on have gone on: nothing here waits for anything but simulated time. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
