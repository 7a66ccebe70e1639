/** Listens at the configured addresses, and derives the URLs for clients and other nodes. */

import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
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

/**
 * Listens for clients, and for other nodes if there can be any. Returns the addresses as URLs: that for nodes is as they
 * reach it. ADDRESS_UNAVAILABLE on failure.
 */
export async function listenAll(
  app: FastifyInstance,
  config: Config,
): Promise<[clients: string, nodes: string | null]> {
  const { host, port, peerPort } = config;
  const listening = await explaining(host, port, 'port', () => app.listen({ host, port }));
  const clients = config.tlsCert === null ? listening : listening.replace(/^http:/, 'https:');
  const { peerListener } = app;
  if (peerListener === null) return [clients, null];
  const nodes = new URL(await explaining(host, peerPort, 'peerPort', () => bind(peerListener, config)));
  const named = config.advertiseUrl === null ? reachable(nodes.href) : config.advertiseUrl;
  nodes.hostname = new URL(named).hostname;
  return [clients, nodes.origin];
}

async function bind(server: Server, { host, peerPort: port, peerCert }: Config): Promise<string> {
  server.listen({ host, port });
  await once(server, 'listening');
  const at = server.address() as AddressInfo;
  const address = isIPv6(at.address) ? `[${at.address}]` : at.address;
  return `${peerCert === null ? 'http' : 'https'}://${address}:${at.port}`;
}

async function explaining<T>(
  host: string,
  port: number,
  field: 'port' | 'peerPort',
  listen: () => Promise<T>,
): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    const problem = addressProblems[(error as NodeJS.ErrnoException).code ?? ''];
    if (problem === undefined) throw error;
    const isHost = problem === addressProblems.EADDRNOTAVAIL || problem === addressProblems.ENOTFOUND;
    const flag = field === 'port' ? '--port' : '--peer-port';
    throw new CarillonError('ADDRESS_UNAVAILABLE', `Cannot listen on ${host} port ${port}: ${problem}.`, {
      field: isHost ? 'host' : field,
      value: isHost ? host : port,
      allowed: isHost ? 'an address of this host (--host)' : `a free port (${flag}); 0 picks one`,
    });
  }
}

/** Other nodes cannot connect to 0.0.0.0 or [::]; advertise the host name instead. */
export function reachable(listening: string): string {
  const url = new URL(listening);
  if (isWildcard(url.hostname)) url.hostname = hostname();
  return url.origin;
}
