/**
 * The servers below the app: that of clients, which the framework makes, and that of other nodes. Both have the same
 * limits, and speak HTTP, or HTTPS with certificates that may change while they listen.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import type { Connections } from './guard/connections.ts';
import { answerNoRequest } from './wire/error-map.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** The server for other nodes, which whoever serves the app lets listen. Null: there are none. */
    peerListener: Server | null;
  }
}

/** Certificates of a listener. */
export interface ListenerTls {
  /** As they are now. */
  readonly context: SecureContextOptions;
  /**
   * Certificates of clients: not asked for; asked for and left to whoever authenticates (`socket.authorized`); or
   * required, so that no other request arrives.
   */
  readonly clients: 'ignored' | 'asked' | 'required';
  /** Called when `context` has changed. Connections that are there continue. */
  onChange(listener: () => void): void;
}

/** Maximum time to receive a whole request: a full body over a slow line. */
const requestTimeoutMs = 120_000;
/**
 * Longer than the keep-alive of common proxies, so that the proxy closes first and never sends a request on a
 * closed connection.
 */
const keepAliveMs = 75_000;
/** The whole handshake of TLS: bytes that arrive do not prolong it. */
const handshakeMs = 10_000;

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export function createListener(handler: Handler, tls: ListenerTls | null, connections: Connections): Server {
  const options = { requestTimeout: requestTimeoutMs, keepAliveTimeout: keepAliveMs };
  const server = tls === null ? createServer(options, handler) : secure(handler, tls, options);
  // The default drops headers after the thousandth silently. The total size is limited to 16 KiB instead.
  server.maxHeadersCount = 0;
  connections.guard(server, tls !== null);
  return server;
}

function secure(handler: Handler, tls: ListenerTls, options: object): Server {
  const server = createTlsServer(
    {
      ...options,
      ...tls.context,
      handshakeTimeout: handshakeMs,
      requestCert: tls.clients !== 'ignored',
      rejectUnauthorized: tls.clients === 'required',
    },
    handler,
  );
  tls.onChange(() => server.setSecureContext(tls.context));
  return server;
}

const fromPeers = new WeakSet<IncomingMessage>();

/** It came in at the listener for other nodes. */
export const isFromPeer = (raw: IncomingMessage): boolean => fromPeers.has(raw);

/** The listener for other nodes, which the app closes. */
export function createPeerListener(
  app: FastifyInstance,
  tls: ListenerTls | null,
  connections: Connections,
): Server {
  const server = createListener(
    (request, response) => {
      fromPeers.add(request);
      app.routing(request, response);
    },
    tls,
    connections,
  );
  server.on('clientError', answerNoRequest);
  app.addHook('onClose', async () => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    await closed;
  });
  return server;
}
