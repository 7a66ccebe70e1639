/**
 * How much of one thing (streams, bytes of bodies) clients may hold at once: in all, and each address. A part is
 * kept for the command line and for other nodes, so that an operator gets in whatever browsers and scripts hold.
 * Whoever reaches the port can say to be one of them, so each address gets no more of the kept part than it has.
 */

import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CarillonError } from '../../errors.ts';
import { forwardedBy } from '../peers/peer.ts';

export interface RoomBounds {
  /** In messages: "event streams". */
  readonly what: string;
  readonly total: number;
  readonly perAddress: number;
  /** The part of `total` for the command line and other nodes. */
  readonly kept: number;
}

export interface Holder {
  readonly address: string;
  /** The command line, or another node. */
  readonly ours: boolean;
}

/** What programs of this project begin their User-Agent with; browsers do not let pages set it. */
const ownAgent = /^carillon-(?:cli|node)\b/;

/** A request of the command line or of another node, by what it says of itself. */
export const isOurs = (headers: IncomingHttpHeaders): boolean =>
  headers[forwardedBy] !== undefined || ownAgent.test(headers['user-agent'] ?? '');

export const holderOf = ({ ip, headers }: FastifyRequest): Holder => ({
  address: ip,
  ours: isOurs(headers),
});

/** One place until the answer has ended or its client has gone. BUSY where there is none. */
export function holdWhileOpen(room: Room, request: FastifyRequest, reply: FastifyReply): void {
  const holder = holderOf(request);
  room.take(holder, 1);
  whenOver(reply, () => room.give(holder, 1));
}

/** Calls `act` when the answer has ended or its client has gone, which may have been before. */
export function whenOver({ raw }: FastifyReply, act: () => void): void {
  if (raw.closed) act();
  else raw.once('close', act);
}

export class Room {
  readonly #bounds: RoomBounds;
  /** By holder; none of them is zero. */
  readonly #amounts = new Map<string, number>();
  #held = 0;
  #heldByOthers = 0;

  constructor(bounds: RoomBounds) {
    this.#bounds = bounds;
  }

  /** By all together. */
  get held(): number {
    return this.#held;
  }

  /** BUSY, and nothing taken, where a bound would be exceeded. */
  take(holder: Holder, amount: number): void {
    const { total, perAddress, kept } = this.#bounds;
    const own = (this.#amounts.get(keyOf(holder)) ?? 0) + amount;
    const most = holder.ours ? kept : perAddress;
    if (own > most) throw this.#busy(`${holder.address} may hold ${most}`);
    const full = holder.ours ? this.#held + amount > total : this.#heldByOthers + amount > total - kept;
    if (full) throw this.#busy(`all clients together may hold ${total}, ${kept} of them kept for operators`);
    this.#change(holder, amount);
  }

  /** What was taken before. */
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
    return new CarillonError('BUSY', `There is no room for more ${what}: ${bound}. Try again later.`, {
      allowed: bound,
    });
  }
}

const keyOf = ({ address, ours }: Holder): string => (ours ? `own ${address}` : address);
