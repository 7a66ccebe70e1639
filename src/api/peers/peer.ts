/**
 * Other nodes of the installation, asked over HTTP. A question is sent once and never again by itself: whoever
 * asks learns from a `PeerFailure` whether anything of it left this node. Answers are streams, handed on as
 * they come; only connecting is bounded here, everything else by the signal of who asks.
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

/** Nodes of one installation are near each other. */
const connectWithinMs = 2_000;

/** Names the node that passed a request on: it is never passed on again. */
export const forwardedBy = 'x-carillon-forwarded-by';
/** Where a forwarded request came from; counts only beside `forwardedBy`. */
export const forwardedFor = 'x-carillon-forwarded-for';

export const isForwarded = ({ headers }: FastifyRequest): boolean => headers[forwardedBy] !== undefined;

export interface Question {
  readonly method: string;
  /** With the query, as it was asked for. */
  readonly path: string;
  readonly headers?: Headers;
  /** Sends the body once the connection stands; without it there is none. */
  readonly send?: (outgoing: ClientRequest) => void;
  readonly signal: AbortSignal;
}

type Headers = Record<string, string | string[]>;

/** There is no answer. `sent`: something of the question may have arrived. */
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

  /** The head of the answer; its body is still to be read. Fails with `PeerFailure`. */
  async ask(peer: Member, { method, path, headers = {}, send, signal }: Question): Promise<IncomingMessage> {
    if (!URL.canParse(peer.url)) throw new PeerFailure(new Error(`no address: '${peer.url}'`), false);
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
      // Not by an error once there is an answer: a connection that is about to be kept would throw it.
      const abort = () => (answer === null ? outgoing.destroy(new Error('given up')) : answer.destroy());
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
        // Until somebody reads it; who does sees the error too.
        response.on('error', () => {});
        answer = response;
        resolve(response);
      });
      // After an answer this says no more than that the rest of the body was not wanted.
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

/** Hands on an answer as it is. What breaks on one side breaks on the other. */
export function relay(reply: FastifyReply, answer: IncomingMessage, own: Headers): void {
  reply.hijack();
  reply.raw.writeHead(answer.statusCode ?? 502, { ...endToEnd(answer.headers), ...own });
  // A stream may be silent for long.
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

/** All headers but those that concern one connection. */
export function endToEnd(headers: IncomingHttpHeaders): Headers {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const left = new Set([...hopByHop, ...named]);
  const kept: Headers = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !left.has(name)) kept[name] = value;
  return kept;
}

/** What a node passes on of a request's headers: what is its own to say or judge is left out. */
export function passedOn({ headers, ip, raw }: FastifyRequest): Headers {
  const { host: _host, expect: _expect, origin: _origin, ...kept } = endToEnd(headers);
  if (raw.headers['transfer-encoding'] !== undefined) kept['transfer-encoding'] = 'chunked';
  return { ...kept, [forwardedFor]: ip };
}
