/** The context of every route, and what all routes read from a request. */

import type { FastifyRequest } from 'fastify';
import type { Peers } from '../peers/client.ts';
import type { SchedulerHandle } from '../scheduler/handle.ts';
import type { Clock, Member } from '../scheduler/ports.ts';
import type { Authenticator } from './guard/authenticator.ts';
import type { Credentials } from './guard/credentials.ts';
import { askerIn } from './guard/needs.ts';
import type { Reads } from './guard/reads.ts';
import type { Room } from './guard/room.ts';
import type { LiveEvents } from './live.ts';
import type { Turns } from './turns.ts';
import { apiLimits } from './wire/limits.ts';

export interface ApiContext {
  /** What the program itself sees. Routes use `as`. */
  readonly whole: SchedulerHandle;
  readonly clock: Clock;
  /** This node, with the address for other nodes. */
  readonly node: Member;
  readonly live: LiveEvents;
  readonly peers: Peers;
  readonly authenticator: Authenticator;
  readonly credentials: Credentials;
  /** The scheduler as far as whoever sent the request may see and change it. */
  readonly as: (request: FastifyRequest) => SchedulerHandle;
  /** Slots for responses that last until someone ends them. */
  readonly streams: Room;
  /** Turns for reads of many items. */
  readonly turns: Turns;
  readonly reads: Reads;
  /** Slots for long responses to reads, see long-answer.ts. */
  readonly longAnswers: Room;
  /** Slots for searches in output. */
  readonly searches: Room;
  /** Slots for requests of log-ins. */
  readonly logIns: Room;
  /** Fires when the app closes, to end all streams. */
  readonly closing: AbortSignal;
}

/** The context of a read of many items. */
export interface Reading extends Pick<ApiContext, 'turns'> {
  readonly scheduler: SchedulerHandle;
}

/** A read of many items for whoever sent the request. */
export const readingFor = ({ as, turns }: ApiContext, request: FastifyRequest): Reading => ({
  scheduler: as(request),
  turns,
});

/** Whoever asks, for records of what was done. */
export const requestedBy = (request: FastifyRequest): string =>
  Array.from(askerIn(request).principal.name).slice(0, apiLimits.byLength).join('');
