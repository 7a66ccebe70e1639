/**
 * Delivers notifications, to each receiver in order and one at a time. A receiver that does not respond gets the same
 * notification again, after growing delays; others do not wait for it. If it keeps failing at one and accepts the next,
 * that one is given up. The outcome enters as an event. A leader that ends forgets what it was sending, and the next one
 * sends it again.
 */

import type { Event } from '../../event.ts';
import type { OwedNotification } from '../../handle.ts';
import type { Notification } from '../../model/alert.ts';
import { isRefusal } from '../../notifier.ts';
import type { Clock, Log } from '../../ports.ts';
import type { Outbox } from '../../state/outbox.ts';

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 300_000;
/** From the decision. A receiver that was away for longer has missed it; somebody can have it sent again. */
const GIVE_UP_MS = 86_400_000;
/** After so many tries, four minutes, the next one is tried too: perhaps the receiver only cannot bear the first. */
const PASS_AFTER = 8;

export interface DeliveryParts {
  /** See `Notifier.send`. */
  readonly send: (notification: Notification) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  /** It is certain that no other node leads. */
  readonly isFresh: () => boolean;
  readonly post: (event: Extract<Event, { kind: 'notified' }>) => void;
}

/** `refused`: it will not be tried again. Otherwise why it was not delivered; null: nothing was sent. */
type Outcome = 'delivered' | 'refused' | { readonly error: string | null };

interface Line {
  readonly waiting: Notification[];
  /** Tries of the first one. */
  tries: number;
  /** Why the last of them failed. */
  error: string | null;
  cancel: (() => void) | null;
  isBusy: boolean;
}

export class Delivery {
  readonly #parts: DeliveryParts;
  readonly #lines = new Map<string, Line>();
  #stopped = false;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  add(notification: Notification): void {
    const { receiver } = notification;
    let line = this.#lines.get(receiver);
    if (line === undefined) {
      line = { waiting: [], tries: 0, error: null, cancel: null, isBusy: false };
      this.#lines.set(receiver, line);
    }
    if (line.waiting.some(({ id }) => id === notification.id)) {
      // Somebody does not want to wait for the next try.
      line.cancel?.();
      line.cancel = null;
    } else line.waiting.push(notification);
    this.#next(line);
  }

  /** How often the notification was tried, and why that failed. */
  tried({ id, receiver }: Pick<Notification, 'id' | 'receiver'>): { tries: number; error: string | null } {
    const { waiting = [], tries = 0, error = null } = this.#lines.get(receiver) ?? {};
    return waiting[0]?.id === id ? { tries, error } : { tries: 0, error: null };
  }

  /** Sends nothing more. */
  stop(): void {
    this.#stopped = true;
    for (const { cancel } of this.#lines.values()) cancel?.();
  }

  #next(line: Line): void {
    const [first] = line.waiting;
    if (this.#stopped || first === undefined || line.isBusy || line.cancel !== null) return;
    line.isBusy = true;
    void this.#turn(line, first).then((outcome) => {
      line.isBusy = false;
      if (this.#stopped) return;
      if (typeof outcome === 'object') this.#later(line, outcome.error);
      else {
        line.waiting.shift();
        line.tries = 0;
        line.error = null;
        this.#next(line);
      }
    });
  }

  /** Tries the first one, which stays in the line, and perhaps the next one, which leaves it if it need not wait. */
  async #turn(line: Line, first: Notification): Promise<Outcome> {
    const outcome = await this.#try(first);
    const [, second] = line.waiting;
    if (typeof outcome === 'string' || line.tries < PASS_AFTER || second === undefined) return outcome;
    const passed = await this.#try(second);
    if (typeof passed === 'object') return outcome;
    line.waiting.splice(1, 1);
    if (passed === 'refused') return outcome;
    this.#ended(first.id, `${outcome.error} The receiver accepted the next message.`);
    return 'refused';
  }

  #later(line: Line, error: string | null): void {
    const delayMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(line.tries, 16));
    line.tries += 1;
    line.error = error ?? line.error;
    line.cancel = this.#parts.clock.after(delayMs, () => {
      line.cancel = null;
      this.#next(line);
    });
  }

  async #try(notification: Notification): Promise<Outcome> {
    const { send, clock, log, isFresh } = this.#parts;
    const { id, receiver, at } = notification;
    if (!isFresh()) return { error: null };
    try {
      await send(notification);
      this.#ended(id, null);
      return 'delivered';
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const isRefused = isRefusal(error);
      log.warn(
        { receiver, notification: id, reason },
        `notification.${isRefused ? 'refused' : 'not-delivered'}`,
      );
      if (!isRefused && clock.now() - at < GIVE_UP_MS) return { error: reason };
      this.#ended(id, reason);
      return 'refused';
    }
  }

  #ended(id: string, error: string | null): void {
    if (!this.#stopped) this.#parts.post({ kind: 'notified', now: this.#parts.clock.now(), id, error });
  }
}

/** What is owed, with what the leader knows of its delivery. */
export function owedIn(outbox: Outbox, delivery: Delivery | undefined): OwedNotification[] {
  const tried = (one: Notification) => (one.state === 'waiting' ? delivery?.tried(one) : undefined);
  return outbox.inOrder().map((one) => ({ ...one, tries: 0, ...tried(one) }));
}
