/** Listening: at the address that was asked for, and the URL by which other nodes reach it. */

import { hostname } from 'node:os';
import type { FastifyInstance } from 'fastify';
import { CarillonError } from '../errors.ts';
import { type Config, isWildcard } from './config.ts';

/** Why an address of one's own can't be had, by the system's name for it. */
const addressProblems: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EADDRNOTAVAIL: 'this host does not have the address',
  EACCES: 'this user may not listen there',
  ENOTFOUND: 'the name has no address',
};

/** The address, as a URL. ADDRESS_UNAVAILABLE where it can't be had. */
export async function listen(app: FastifyInstance, { host, port }: Config): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    const problem = addressProblems[(error as NodeJS.ErrnoException).code ?? ''];
    if (problem === undefined) throw error;
    const isHost = problem === addressProblems.EADDRNOTAVAIL || problem === addressProblems.ENOTFOUND;
    throw new CarillonError('ADDRESS_UNAVAILABLE', `Can not listen on ${host} port ${port}: ${problem}.`, {
      field: isHost ? 'host' : 'port',
      value: isHost ? host : port,
      allowed: isHost ? 'an address of this host (--host)' : 'a free port (--port); 0 takes any',
    });
  }
}

/** Other nodes cannot connect to 0.0.0.0 or [::]; advertise the host name instead. */
export function reachable(listening: string): string {
  const url = new URL(listening);
  if (isWildcard(url.hostname)) url.hostname = hostname();
  return url.origin;
}
