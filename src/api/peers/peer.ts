/**
 * HTTP client for the other nodes of the installation. A request is sent once and never retried here: a
 * `PeerFailure` tells the caller whether any part of it left this node. Responses are relayed as streams.
 * Only connecting has a time limit here; the caller's signal limits the rest.
 */

import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
} from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { pipeline } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock, Member } from '../../scheduler/ports.ts';

/** The nodes of an installation are close to each other. */
const connectWithinMs = 2_000;

/** Names the node that forwarded a request, which is then never forwarded again. */
export const forwardedBy = 'x-carillon-forwarded-by';
/** Client address of a forwarded request. Only valid together with `forwardedBy`. */
export const forwardedFor = 'x-carillon-forwarded-for';

export const isForwarded = ({ headers }: FastifyRequest): boolean => headers[forwardedBy] !== undefined;

export interface Question {
  readonly method: string;
  /** With the query, as requested. */
  readonly path: string;
  readonly headers?: Headers;
  /** Sends the body once connected. Without it there is no body. */
  readonly send?: (outgoing: ClientRequest) => void;
  readonly signal: AbortSignal;
}

type Headers = Record<string, string | string[]>;

/** There is no response. `sent`: a part of the request may have arrived. */
export class PeerFailure extends Error {
  override readonly name = 'PeerFailure';
  readonly sent: boolean;

  constructor(cause: Error & { readonly code?: string }, sent: boolean) {
    super(cause.code ?? cause.message, { cause });
    this.sent = sent;
  }
}

export class Peers {
  readonly #clock: Clock;
  readonly #self: () => Member;
  readonly #plain = new PlainAgent({ keepAlive: true });
  readonly #tls = new TlsAgent({ keepAlive: true });

  constructor(clock: Clock, self: () => Member) {
    this.#clock = clock;
    this.#self = self;
  }

  /** Returns the head of the response; the caller reads the body. Fails with `PeerFailure`. */
  async ask(peer: Member, { method, path, headers = {}, send, signal }: Question): Promise<IncomingMessage> {
    if (!URL.canParse(peer.url)) throw new PeerFailure(new Error(`invalid address: '${peer.url}'`), false);
    const secure = peer.url.startsWith('https:');
    return new Promise((resolve, reject) => {
      let sent = false;
      const outgoing = (secure ? tlsRequest : plainRequest)(peer.url, {
        method,
        path,
        headers: { ...headers, [forwardedBy]: this.#self().id },
        agent: secure ? this.#tls : this.#plain,
      });
      let answer: IncomingMessage | null = null;
      // No error is passed once there is a response: a connection about to be kept alive would throw it.
      const abort = () => (answer === null ? outgoing.destroy(new Error('aborted')) : answer.destroy());
      signal.addEventListener('abort', abort);
      outgoing.once('close', () => signal.removeEventListener('abort', abort));
      if (signal.aborted) abort();
      const stopConnecting = this.#clock.after(connectWithinMs, () =>
        outgoing.destroy(new Error(`no connection within ${connectWithinMs} ms`)),
      );
      const connected = () => {
        stopConnecting();
        sent = true;
        if (send === undefined) outgoing.end();
        else send(outgoing);
      };
      outgoing.once('socket', (socket) => {
        if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', connected);
        else connected();
      });
      outgoing.once('response', (response) => {
        // Until the caller reads the response, which then also sees the error.
        response.on('error', () => {});
        answer = response;
        resolve(response);
      });
      // After a response, an error only means that the rest of the request body was not wanted.
      outgoing.on('error', (error) => {
        stopConnecting();
        reject(new PeerFailure(error, sent));
      });
    });
  }

  close(): void {
    this.#plain.destroy();
    this.#tls.destroy();
  }
}

/** Relays a response unchanged. An error on one side breaks the other. */
export function relay(reply: FastifyReply, answer: IncomingMessage, own: Headers): void {
  reply.hijack();
  reply.raw.writeHead(answer.statusCode ?? 502, { ...endToEnd(answer.headers), ...own });
  // A stream may be silent for a long time.
  reply.raw.flushHeaders();
  pipeline(answer, reply.raw, () => {});
}

const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Removes the headers that concern a single connection. */
export function endToEnd(headers: IncomingHttpHeaders): Headers {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const left = new Set([...hopByHop, ...named]);
  const kept: Headers = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !left.has(name)) kept[name] = value;
  return kept;
}

/** The request headers that a node forwards. Headers that it sets or checks itself are left out. */
export function passedOn({ headers, ip, raw }: FastifyRequest): Headers {
  const { host: _host, expect: _expect, origin: _origin, ...kept } = endToEnd(headers);
  if (raw.headers['transfer-encoding'] !== undefined) kept['transfer-encoding'] = 'chunked';
  return { ...kept, [forwardedFor]: ip };
}
