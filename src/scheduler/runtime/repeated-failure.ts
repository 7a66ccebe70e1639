/**
 * Logs a failure that is retried each second: each cause at once and then at most once a minute, and the end. An expected
 * failure is logged with its code and cause, any other with its stack.
 */

import { CarillonError } from '../../errors.ts';
import type { Clock, Log } from '../ports.ts';

const REPEAT_MS = 60_000;

export interface RepeatedFailureParts {
  /** Name of the log event. The event of the end is `<event>-over`. */
  readonly event: string;
  readonly level: 'warn' | 'error';
  readonly clock: Clock;
  readonly log: Log;
}

export class RepeatedFailure {
  readonly #parts: RepeatedFailureParts;
  /** By cause: when it was last logged. Several causes may alternate. */
  readonly #loggedMs = new Map<string, number>();
  /** Number of failures since the last end. */
  #failures = 0;
  /** A failure was logged, but not yet its end. */
  #isOpen = false;

  constructor(parts: RepeatedFailureParts) {
    this.#parts = parts;
  }

  failed(error: unknown): void {
    const { event, level, clock, log } = this.#parts;
    const cause = error instanceof Error ? error.message : String(error);
    this.#failures += 1;
    const now = clock.monotonicMs();
    for (const [logged, at] of this.#loggedMs) if (now - at >= REPEAT_MS) this.#loggedMs.delete(logged);
    if (this.#loggedMs.has(cause)) return;
    const what = error instanceof CarillonError ? { code: error.code, cause } : { error };
    log[level]({ ...what, failures: this.#failures }, event);
    this.#loggedMs.set(cause, now);
    this.#isOpen = true;
  }

  /** Does nothing unless a failure was logged. */
  over(): void {
    if (!this.#isOpen) return;
    const { event, log } = this.#parts;
    log.info({ failures: this.#failures }, `${event}-over`);
    this.#failures = 0;
    this.#isOpen = false;
  }
}
