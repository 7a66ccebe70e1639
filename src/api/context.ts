/** What every route is given, and the few things all of them read from a request. */

import { isUtf8 } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import type { SchedulerHandle } from '../scheduler/handle.ts';
import type { Clock, Member } from '../scheduler/ports.ts';
import type { Room } from './guard/room.ts';
import type { LiveEvents } from './live.ts';
import { forwardedFor, isForwarded, type Peers } from './peers/peer.ts';
import type { Turns } from './turns.ts';
import { apiLimits } from './wire/limits.ts';

export interface ApiContext {
  readonly scheduler: SchedulerHandle;
  readonly clock: Clock;
  /** This node, as others reach it. */
  readonly node: Member;
  readonly live: LiveEvents;
  readonly peers: Peers;
  /** For answers that go on until somebody ends them. */
  readonly streams: Room;
  /** For reads of many things. */
  readonly turns: Turns;
  /** Fires when the app closes: whatever streams must end. */
  readonly closing: AbortSignal;
}

/** What a read of many things needs. */
export type Reading = Pick<ApiContext, 'scheduler' | 'turns'>;

/** Who asks: what they say in X-Carillon-User, or where they come from. For people to read, proof of nothing. */
export function requestedBy(request: FastifyRequest): string {
  const given = request.headers['x-carillon-user'];
  const name = typeof given === 'string' ? textOf(given).trim() : '';
  if (name !== '') return Array.from(name).slice(0, apiLimits.byLength).join('');
  const from = isForwarded(request) ? request.headers[forwardedFor] : undefined;
  return typeof from === 'string' ? from.slice(0, apiLimits.byLength) : request.ip;
}

/** Headers arrive as one character per byte. What clients send beyond ASCII is UTF-8, or else Latin-1. */
function textOf(header: string): string {
  const bytes = Buffer.from(header, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : header;
}
