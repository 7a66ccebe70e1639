/** The context of every route, and what all routes read from a request. */

import { isUtf8 } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import type { Peers } from '../peers/client.ts';
import type { SchedulerHandle } from '../scheduler/handle.ts';
import type { Clock, Member } from '../scheduler/ports.ts';
import type { Authenticator } from './guard/authenticator.ts';
import type { Reads } from './guard/reads.ts';
import type { Room } from './guard/room.ts';
import type { LiveEvents } from './live.ts';
import type { Turns } from './turns.ts';
import { apiLimits } from './wire/limits.ts';

export interface ApiContext {
  readonly scheduler: SchedulerHandle;
  readonly clock: Clock;
  /** This node, with the address for other nodes. */
  readonly node: Member;
  readonly live: LiveEvents;
  readonly peers: Peers;
  readonly authenticator: Authenticator;
  /** The scheduler as far as whoever sent the request may see and change it. Routes use nothing else of it. */
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
  /** Fires when the app closes, to end all streams. */
  readonly closing: AbortSignal;
}

/** The context of a read of many items. */
export type Reading = Pick<ApiContext, 'scheduler' | 'turns'>;

/**
 * The user: the X-Carillon-User header, or else the client's address. For display only; it proves nothing.
 */
export function requestedBy(request: FastifyRequest): string {
  const given = request.headers['x-carillon-user'];
  const name = typeof given === 'string' ? textOf(given).trim() : '';
  if (name !== '') return Array.from(name).slice(0, apiLimits.byLength).join('');
  return request.asker?.from ?? request.ip;
}

/** Node.js decodes headers as one character per byte. Non-ASCII headers are UTF-8, or else Latin-1. */
function textOf(header: string): string {
  const bytes = Buffer.from(header, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : header;
}
