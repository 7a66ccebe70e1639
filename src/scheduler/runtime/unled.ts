/**
 * For how long nobody has led, as one node can see it: no leader is known, or this node was elected and does not lead
 * yet, or terms follow each other and none lasts, as where each node that is elected fails. Asked now and then.
 */

import type { Clock, Election, Member } from '../ports.ts';

/**
 * A taking over takes less: the copy is there, and engines get five seconds to say what they run. A term that has
 * lasted this long is led.
 */
export const TAKE_OVER_MS = 15_000;

export interface UnledParts {
  readonly self: Pick<Member, 'id'>;
  readonly election: Pick<Election, 'leader'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

export class Unled {
  readonly #parts: UnledParts;
  #term = -1;
  #termSince = 0;
  #since: number | null = null;

  constructor(parts: UnledParts) {
    this.#parts = parts;
  }

  /** 0 while somebody leads. `leading`: this node does, and time is let in. */
  forMs(term: number, leading: boolean): number {
    const { self, election, clock } = this.#parts;
    const monotonicMs = clock.monotonicMs();
    const leader = election.leader()?.id ?? null;
    if (term !== this.#term) {
      this.#term = term;
      this.#termSince = monotonicMs;
      this.#since ??= monotonicMs;
    }
    const isLed = leading || (leader !== null && leader !== self.id && this.#lasts(monotonicMs));
    this.#since = isLed ? null : (this.#since ?? monotonicMs);
    return this.#since === null ? 0 : Math.round(monotonicMs - this.#since);
  }

  #lasts(now: number): boolean {
    return now - this.#termSince >= TAKE_OVER_MS;
  }
}
