/**
 * Measures how late timers fire, because the event loop is busy. A timer at a regular interval meets a stall
 * as often as anything else that is due does.
 */

import type { Clock } from '../../ports.ts';
import { type Buckets, Tally } from '../../stats/tally.ts';

const INTERVAL_MS = 100;
/** Upper bounds in seconds: timers fire up to a millisecond late anyway. */
const bounds = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

export class LoopDelay {
  readonly #clock: Clock;
  readonly #delays = new Tally(bounds);
  #cancel: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(): void {
    const due = this.#clock.monotonicMs() + INTERVAL_MS;
    this.#cancel = this.#clock.after(INTERVAL_MS, () => {
      this.#delays.add(Math.max(0, this.#clock.monotonicMs() - due) / 1_000);
      this.start();
    });
  }

  stop(): void {
    this.#cancel();
  }

  buckets(): Buckets {
    return this.#delays.buckets();
  }
}
