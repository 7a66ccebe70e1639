/** What every route is given, and the few things all of them read from a request. */

import type { FastifyRequest } from 'fastify';
import type { SchedulerHandle } from '../scheduler/handle.ts';
import type { Clock } from '../scheduler/ports.ts';
import { apiLimits } from './limits.ts';
import type { LiveEvents } from './live.ts';

/** This node, as others reach it. */
export interface NodeInfo {
  readonly id: string;
  readonly url: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
}

export interface ApiContext {
  readonly scheduler: SchedulerHandle;
  readonly clock: Clock;
  readonly node: NodeInfo;
  readonly live: LiveEvents;
  /** Fires when the app closes: whatever streams must end. */
  readonly closing: AbortSignal;
}

/** Who asks: what they say in X-Carillon-User, or where they come from. For people to read, proof of nothing. */
export function requestedBy(request: FastifyRequest): string {
  const given = request.headers['x-carillon-user'];
  const name = typeof given === 'string' ? given.trim().slice(0, apiLimits.byLength) : '';
  return name === '' ? request.ip : name;
}

/** Lets everything else have a turn; long scans call it so that they never hold up the scheduler. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
