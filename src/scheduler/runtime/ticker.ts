/**
 * Wakes the loop when something is due, and a moment before, so that it can be decided ahead. Timers may fire early, late, or after the machine slept, so the
 * ticker never sleeps long, never trusts a timer, and reads the clock each time it wakes.
 */

import type { Clock, Log } from '../ports.ts';
import { AHEAD_MS } from '../rules/due.ts';
import { ClockSteps } from './clock-steps.ts';

/** Maximum sleep: limits how late anything can be after a suspend or a step of the wall clock. */
const MAX_SLEEP_MS = 1_000;

export interface TickerParts {
  readonly clock: Clock;
  readonly log: Log;
  /** The earliest entry of the timetable. Infinity if it is empty. */
  readonly earliest: () => number;
  /** The earliest entry is due in at most `AHEAD_MS`. */
  readonly onComing: (instant: number) => void;
  /** Something is due, or the wall clock was set. */
  readonly onDue: (now: number) => void;
}

export class Ticker {
  readonly #parts: TickerParts;
  #cancel: (() => void) | null = null;
  #wakeAt = Number.POSITIVE_INFINITY;
  /** The instant that was announced last: what still waits for it is not decided ahead. */
  #announced = Number.NEGATIVE_INFINITY;
  readonly #steps: ClockSteps;
  /** A tick was posted and its decision is pending; `rearm` follows it. */
  #running = false;

  constructor(parts: TickerParts) {
    this.#parts = parts;
    this.#steps = new ClockSteps(parts.clock);
  }

  start(): void {
    this.#running = true;
    this.rearm();
  }

  stop(): void {
    this.#running = false;
    this.#cancel?.();
    this.#cancel = null;
  }

  /** Call it when the timetable may have changed. */
  rearm(): void {
    if (!this.#running) return;
    const { clock, earliest } = this.#parts;
    const now = clock.now();
    const next = earliest();
    const at = Math.min(next === this.#announced ? next : next - AHEAD_MS, now + MAX_SLEEP_MS);
    if (this.#cancel !== null && this.#wakeAt <= at) return;
    this.#cancel?.();
    this.#wakeAt = at;
    this.#cancel = clock.after(Math.max(0, at - now), () => this.#woken());
  }

  #woken(): void {
    this.#cancel = null;
    const { clock, log, earliest, onComing, onDue } = this.#parts;
    const now = clock.now();
    const stepMs = this.#steps.take();
    if (stepMs !== 0) log.warn({ stepMs }, 'clock.stepped');
    const next = earliest();
    // The decision calls `rearm`; without one, sleep on.
    if (stepMs !== 0 || next <= now) onDue(now);
    else if (next !== this.#announced && next - AHEAD_MS <= now) {
      this.#announced = next;
      onComing(next);
    } else this.rearm();
  }
}
