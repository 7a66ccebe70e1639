/**
 * Slows those who fail: after a few failures, an address and an account wait, each failure for twice as long. Only failures
 * wait. Secrets here have 256 bits, so that nobody guesses one, while a lock for everybody behind an address, or of an
 * account, would let strangers lock out whoever has the right one.
 */

import { CarillonError } from '../errors.ts';
import type { Clock } from '../scheduler/ports.ts';

export const throttleLimits = {
  /** Failures without a wait: mistakes. */
  free: 5,
  firstWaitMs: 1_000,
  longestWaitMs: 15 * 60_000,
  /** Failures are forgotten after this time without one. */
  forgetMs: 60 * 60_000,
  /** Addresses and accounts that are remembered; those that failed longest ago are forgotten first. */
  remembered: 10_000,
} as const;

interface Failures {
  readonly count: number;
  readonly until: number;
  readonly lastAt: number;
}

export class Throttle {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** Those that failed longest ago first. */
  readonly #failures = new Map<string, Failures>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Notes a failure. Returns TOO_MANY_ATTEMPTS in place of `problem` if it came too early. */
  failed(address: string, account: string | null, problem: CarillonError): CarillonError {
    const keys = [`address ${networkOf(address)}`, ...(account === null ? [] : [`account ${account}`])];
    const waitMs = Math.max(...keys.map((key) => this.#note(key)));
    return waitMs <= 0 ? problem : tooMany(Math.ceil(waitMs / 1_000));
  }

  /** Returns how long this one should have waited. One that came too early makes the wait no longer. */
  #note(key: string): number {
    const now = this.#clock.monotonicMs();
    const known = this.#failures.get(key);
    const before = known === undefined || now - known.lastAt > throttleLimits.forgetMs ? null : known;
    if (before !== null && now < before.until) return before.until - now;
    const count = (before?.count ?? 0) + 1;
    const { free, firstWaitMs, longestWaitMs } = throttleLimits;
    const waitMs = count < free ? 0 : Math.min(firstWaitMs * 2 ** (count - free), longestWaitMs);
    this.#failures.delete(key);
    this.#failures.set(key, { count, until: now + waitMs, lastAt: now });
    if (this.#failures.size > throttleLimits.remembered)
      this.#failures.delete(this.#failures.keys().next().value as string);
    return 0;
  }
}

/** Somebody with IPv6 has a whole network of addresses. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('%', 1)[0]!.split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  return [...first, ...Array.from({ length: zeros }, () => '0'), ...last].slice(0, 4).join(':');
}

function tooMany(seconds: number): CarillonError {
  return new CarillonError(
    'TOO_MANY_ATTEMPTS',
    `Too many attempts with wrong credentials. Try again in ${seconds} s.`,
    { retryAfter: seconds },
  );
}
