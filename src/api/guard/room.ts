/**
 * Limits how much of a resource (streams, bytes of bodies) clients may use at once, in total and per address.
 * A part is reserved for the command line and other nodes, so that an operator gets through while browsers
 * and scripts use the rest. Any client can claim to be one of them, so the limit per address also applies to
 * the reserved part.
 */

import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CarillonError } from '../../errors.ts';
import { forwardedBy } from '../../peers/client.ts';

export interface RoomBounds {
  /** Used in messages: "event streams". */
  readonly what: string;
  readonly total: number;
  readonly perAddress: number;
  /** The part of `total` reserved for the command line and other nodes. */
  readonly kept: number;
}

export interface Holder {
  readonly address: string;
  /** The command line or another node. */
  readonly ours: boolean;
}

/** Start of the User-Agent of this project's programs. Browsers do not let pages set it. */
const ownAgent = /^carillon-(?:cli|node)\b/;

/** True for a request that claims to be from the command line or another node. */
export const isOurs = (headers: IncomingHttpHeaders): boolean =>
  headers[forwardedBy] !== undefined || ownAgent.test(headers['user-agent'] ?? '');

export const holderOf = ({ ip, headers }: FastifyRequest): Holder => ({
  address: ip,
  ours: isOurs(headers),
});

/** Takes one slot until the response has ended or the client has disconnected. BUSY if there is none. */
export function holdWhileOpen(room: Room, request: FastifyRequest, reply: FastifyReply): void {
  const holder = holderOf(request);
  room.take(holder, 1);
  whenOver(reply, () => room.give(holder, 1));
}

/**
 * Calls `act` when the response has ended or the client has disconnected, even if that has happened already.
 */
export function whenOver({ raw }: FastifyReply, act: () => void): void {
  if (raw.closed) act();
  else raw.once('close', act);
}

export class Room {
  readonly #bounds: RoomBounds;
  /** Per holder, without zeros. */
  readonly #amounts = new Map<string, number>();
  #held = 0;
  #heldByOthers = 0;

  constructor(bounds: RoomBounds) {
    this.#bounds = bounds;
  }

  /** Total of all holders. */
  get held(): number {
    return this.#held;
  }

  /** Takes nothing and throws BUSY if a limit would be exceeded. */
  take(holder: Holder, amount: number): void {
    const { total, perAddress, kept } = this.#bounds;
    const own = (this.#amounts.get(keyOf(holder)) ?? 0) + amount;
    const most = holder.ours ? kept : perAddress;
    if (own > most) throw this.#busy(`the limit for ${holder.address} is ${most}`);
    const full = holder.ours ? this.#held + amount > total : this.#heldByOthers + amount > total - kept;
    if (full)
      throw this.#busy(`the limit for all clients is ${total}, ${kept} of them reserved for operators`);
    this.#change(holder, amount);
  }

  /** Returns an amount that was taken. */
  give(holder: Holder, amount: number): void {
    this.#change(holder, -amount);
  }

  #change(holder: Holder, amount: number): void {
    const key = keyOf(holder);
    const own = (this.#amounts.get(key) ?? 0) + amount;
    if (own === 0) this.#amounts.delete(key);
    else this.#amounts.set(key, own);
    this.#held += amount;
    if (!holder.ours) this.#heldByOthers += amount;
  }

  #busy(bound: string): CarillonError {
    const { what } = this.#bounds;
    return new CarillonError('BUSY', `Too many ${what}: ${bound}. Retry later.`, {
      allowed: bound,
    });
  }
}

export const keyOf = ({ address, ours }: Holder): string => (ours ? `own ${address}` : address);
