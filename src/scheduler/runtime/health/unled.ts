/**
 * How long no node has led, from the view of this node: no leader is known, or this node was elected and does
 * not lead yet, or each term ends before it is established, as when every elected node fails. Checked at
 * intervals.
 */

import type { Clock, Election, Member } from '../../ports.ts';

/**
 * Longer than a takeover: the copy is loaded, and engines get five seconds for their inventory. A term that
 * has lasted this long counts as established.
 */
export const TAKE_OVER_MS = 15_000;

export interface UnledParts {
  readonly self: Pick<Member, 'id'>;
  readonly election: Pick<Election, 'leader'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

export class Unled {
  readonly #parts: UnledParts;
  #term: number | null = null;
  #termSince = 0;
  #since: number | null = null;

  constructor(parts: UnledParts) {
    this.#parts = parts;
  }

  /** 0 while a node leads. `leading`: this node leads and decides due times. */
  forMs(term: number, leading: boolean): number {
    const { self, election, clock } = this.#parts;
    const monotonicMs = clock.monotonicMs();
    const leader = election.leader()?.id ?? null;
    if (term !== this.#term) {
      this.#term = term;
      this.#termSince = monotonicMs;
    }
    const isLed = leading || (leader !== null && leader !== self.id && this.#lasts(monotonicMs));
    this.#since = isLed ? null : (this.#since ?? monotonicMs);
    return this.#since === null ? 0 : Math.round(monotonicMs - this.#since);
  }

  #lasts(now: number): boolean {
    return now - this.#termSince >= TAKE_OVER_MS;
  }
}
