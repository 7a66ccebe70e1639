/** Listens at the configured address, and derives the URL for other nodes. */

import { hostname } from 'node:os';
import type { FastifyInstance } from 'fastify';
import { CarillonError } from '../errors.ts';
import { type Config, isWildcard } from './config.ts';

/** Explanations of listen errors, by system error code. */
const addressProblems: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process already listens there',
  EADDRNOTAVAIL: 'this host does not have the address',
  EACCES: 'this user may not listen there',
  ENOTFOUND: 'the name has no address',
};

/** Listens for clients and returns the address as a URL. ADDRESS_UNAVAILABLE on failure. */
export async function listen(app: FastifyInstance, config: Config): Promise<string> {
  const { host, port } = config;
  try {
    const listening = await app.listen({ host, port });
    return config.tlsCert === null ? listening : listening.replace(/^http:/, 'https:');
  } catch (error) {
    const problem = addressProblems[(error as NodeJS.ErrnoException).code ?? ''];
    if (problem === undefined) throw error;
    const isHost = problem === addressProblems.EADDRNOTAVAIL || problem === addressProblems.ENOTFOUND;
    throw new CarillonError('ADDRESS_UNAVAILABLE', `Cannot listen on ${host} port ${port}: ${problem}.`, {
      field: isHost ? 'host' : 'port',
      value: isHost ? host : port,
      allowed: isHost ? 'an address of this host (--host)' : 'a free port (--port); 0 picks one',
    });
  }
}

/** Other nodes cannot connect to 0.0.0.0 or [::]; advertise the host name instead. */
export function reachable(listening: string): string {
  const url = new URL(listening);
  if (isWildcard(url.hostname)) url.hostname = hostname();
  return url.origin;
}
