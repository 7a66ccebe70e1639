/** Asks other nodes for output that is not on this one. */

import type { FastifyRequest } from 'fastify';
import type { CarillonError } from '../../errors.ts';
import { type Answer, PeerFailure } from '../../peers/client.ts';
import type { Member } from '../../scheduler/ports.ts';
import type { ApiContext } from '../context.ts';
import { passedOn } from './relay.ts';

/**
 * Another node begins its response by then, even for a silent run. Includes reading the first output from
 * disk.
 */
const peerWithinMs = 5_000;

/** The node that has the output which LOGS_GONE says is not here. Null: any may have it. */
export const hostWith = ({ details }: CarillonError): string | null =>
  details.field === 'host' ? String(details.value) : null;

/** The other nodes that may have output: the host, or all. */
export function othersWith({ whole: scheduler }: ApiContext, host: string | null): Member[] {
  const { members, self } = scheduler.cluster();
  return members.filter(({ id }) => id !== self.id && (host === null || id === host));
}

export interface Asking {
  /** With the query. */
  readonly path: string;
  /** The output may be silent for any time. */
  readonly live: boolean;
  readonly stop: AbortSignal;
}

/** Returns null if the node does not respond. */
export async function askFor(
  context: ApiContext,
  request: FastifyRequest,
  member: Member,
  { path, live, stop }: Asking,
): Promise<Answer | null> {
  try {
    const passed = { method: 'GET', path };
    return await context.peers.open(member, {
      ...passed,
      headers: await passedOn(context, request, passed),
      withinMs: peerWithinMs,
      live,
      signal: stop,
    });
  } catch (error) {
    if (error instanceof PeerFailure) return null;
    throw error;
  }
}
