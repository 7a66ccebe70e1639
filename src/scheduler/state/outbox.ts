/** Notifications that are owed to their receivers, or could not be delivered. Indexed by receiver. */

import type { Notification } from '../model/alert.ts';

interface Box {
  readonly waiting: Set<string>;
  /** Oldest first. */
  readonly failed: Set<string>;
}

export class Outbox {
  readonly #all = new Map<string, Notification>();
  readonly #boxes = new Map<string, Box>();
  /** Larger than that of any notification so far. */
  #order = 0;

  get(id: string): Notification | undefined {
    return this.#all.get(id);
  }

  put(notification: Notification): void {
    const { id, receiver, state, order } = notification;
    this.remove(id);
    this.#all.set(id, notification);
    this.#order = Math.max(this.#order, order);
    this.#box(receiver)[state === 'waiting' ? 'waiting' : 'failed'].add(id);
  }

  remove(id: string): void {
    const known = this.#all.get(id);
    if (known === undefined) return;
    this.#all.delete(id);
    const box = this.#box(known.receiver);
    box.waiting.delete(id);
    box.failed.delete(id);
  }

  /** A time that is later than each one returned before, also if the clock was set back. */
  nextOrder(now: number): number {
    this.#order = Math.max(now, this.#order + 1);
    return this.#order;
  }

  waitingFor(receiver: string): number {
    return this.#boxes.get(receiver)?.waiting.size ?? 0;
  }

  /** Failed ones of the receiver, oldest first. */
  failedFor(receiver: string): readonly Notification[] {
    return [...(this.#boxes.get(receiver)?.failed ?? [])].flatMap((id) => this.#all.get(id) ?? []);
  }

  inOrder(): Notification[] {
    return [...this.#all.values()].sort((a, b) => a.order - b.order);
  }

  #box(receiver: string): Box {
    let box = this.#boxes.get(receiver);
    if (box === undefined) {
      box = { waiting: new Set(), failed: new Set() };
      this.#boxes.set(receiver, box);
    }
    return box;
  }
}
