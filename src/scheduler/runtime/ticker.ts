/**
 * Wakes the loop when something is due. Timers may fire early, late, or after the machine slept, so the
 * ticker never sleeps long, never trusts a timer, and asks the clock again each time it wakes.
 */

import type { Clock, Log } from '../ports.ts';

/** The longest sleep: after a suspend or a step of the wall clock nothing is late by more. */
const MAX_SLEEP_MS = 1_000;
/** Wall and monotonic time that differ by more than this in one sleep: the wall clock was set. */
const STEP_MS = 2_000;

export interface TickerParts {
  readonly clock: Clock;
  readonly log: Log;
  /** The earliest instant of the timetable; Infinity when it is empty. */
  readonly earliest: () => number;
  readonly onDue: (now: number) => void;
  /** The wall clock went back by `byMs`. */
  readonly onSetBack: (now: number, byMs: number) => void;
}

export class Ticker {
  readonly #parts: TickerParts;
  #cancel: (() => void) | null = null;
  #wakeAt = Number.POSITIVE_INFINITY;
  #wall = 0;
  #monotonic = 0;
  /** A tick was posted and its decision is awaited; `rearm` follows it. */
  #running = false;

  constructor(parts: TickerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = true;
    this.#wall = this.#parts.clock.now();
    this.#monotonic = this.#parts.clock.monotonicMs();
    this.rearm();
  }

  stop(): void {
    this.#running = false;
    this.#cancel?.();
    this.#cancel = null;
  }

  /** Call when the timetable may have changed. */
  rearm(): void {
    if (!this.#running) return;
    const { clock, earliest } = this.#parts;
    const now = clock.now();
    const at = Math.min(earliest(), now + MAX_SLEEP_MS);
    if (this.#cancel !== null && this.#wakeAt <= at) return;
    this.#cancel?.();
    this.#wakeAt = at;
    this.#cancel = clock.after(Math.max(0, at - now), () => this.#woken());
  }

  #woken(): void {
    this.#cancel = null;
    if (!this.#running) return;
    const { clock, log, earliest, onDue, onSetBack } = this.#parts;
    const now = clock.now();
    const monotonic = clock.monotonicMs();
    const stepMs = now - this.#wall - (monotonic - this.#monotonic);
    this.#wall = now;
    this.#monotonic = monotonic;
    if (Math.abs(stepMs) > STEP_MS) log.warn({ stepMs: Math.round(stepMs) }, 'wall-clock-stepped');
    if (stepMs < -STEP_MS) onSetBack(now, -stepMs);
    // The tick's decision calls `rearm`; without one, sleep on.
    if (earliest() <= now) onDue(now);
    else this.rearm();
  }
}
