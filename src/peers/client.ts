/**
 * The HTTP client for the other nodes of the installation. Another node may hang, or something else may listen
 * at its address, so nothing that arrives is trusted to end: each answer has limits of time and size. A request
 * is sent once and never retried here. All failures are a `PeerFailure`, which says whether any part of the
 * request left this node.
 *
 * Time: a connection within two seconds, the head of the answer within the time that the question allows, and a
 * whole answer within the same time. A body that is passed on may take longer, but never pauses for longer than
 * `pauseMs` while it is read, unless it is live.
 *
 * Size: a whole answer has the bound of its question. A body that is passed on has none: it is read in pieces
 * of at most one read of the socket, and only as fast as its reader takes them. No line is ever put together.
 * Node.js limits the head.
 */

import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
} from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { Clock, Member } from '../scheduler/ports.ts';
import { within } from '../scheduler/waiting.ts';

export const peerLimits = {
  /** The nodes of an installation are close to each other. */
  connectMs: 2_000,
  /** Longer than a node pauses between two pieces of an answer, even when its disk is slow. */
  pauseMs: 30_000,
} as const;

/** Names the node that sent a request. A node never forwards a request that has it. */
export const forwardedBy = 'x-carillon-forwarded-by';
/** Says for whom a node asks, signed. */
export const askerHeader = 'x-carillon-asker';
/** Client address of a forwarded request. Only valid together with `forwardedBy`. */
export const forwardedFor = 'x-carillon-forwarded-for';

export interface Question {
  readonly method: string;
  /** With the query, as requested. */
  readonly path: string;
  /** `forwardedBy` is added, and a User-Agent if there is none. */
  readonly headers?: PeerHeaders;
  /** Sends the body once connected. Without it there is no body. */
  readonly send?: (outgoing: ClientRequest) => void;
  /** Time until the head of the answer is here; for a whole answer, until all of it is. */
  readonly withinMs: number;
  /** The body may be silent for any time: it grows while something happens. */
  readonly live?: boolean;
  readonly signal?: AbortSignal;
}

export type PeerHeaders = Record<string, string | string[]>;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Read it once, or `discard` it. Fails with `PeerFailure`. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Stops reading. The rest is not waited for: it might not end. */
  discard(): void;
}

export interface WholeAnswer {
  readonly status: number;
  readonly text: string;
}

/** Where a node listens. */
export type Peer = Pick<Member, 'url' | 'peerUrl'>;

/** The certificate of this node, and the authority of all nodes. */
export interface PeerTls {
  /** As it is now. */
  readonly context: SecureContextOptions;
  onChange(listener: () => void): void;
}

/** Proves to other nodes that this one is of the installation, in requests that name nobody else who asks. */
export interface PeerSigner {
  headersFor(method: string, path: string): Promise<PeerHeaders>;
}

export interface PeersOptions {
  /** Absent: nodes talk without TLS. */
  readonly tls?: PeerTls | null;
  /** Absent: requests are not signed. */
  readonly signer?: PeerSigner;
}

/** There is no usable answer. `sent`: a part of the request may have arrived. */
export class PeerFailure extends Error {
  override readonly name = 'PeerFailure';
  readonly sent: boolean;

  constructor(cause: unknown, sent: boolean) {
    const { message, code } = cause as Error & { readonly code?: unknown };
    super(typeof code === 'string' ? code : message, { cause });
    this.sent = sent;
  }
}

export class Peers {
  readonly #clock: Clock;
  readonly #self: string;
  readonly #plain = new PlainAgent({ keepAlive: true });
  readonly #options: PeersOptions;
  #tls: TlsAgent;

  /** `self` is the id of this node. */
  constructor(clock: Clock, self: string, options: PeersOptions = {}) {
    this.#clock = clock;
    this.#self = self;
    this.#options = options;
    this.#tls = agentOf(options.tls);
    // Answers that are being read continue on the old one.
    options.tls?.onChange(() => {
      this.#tls = agentOf(options.tls);
    });
  }

  /** Returns the head of the answer, of any status. The caller passes the body on. */
  async open(peer: Peer, question: Question): Promise<Answer> {
    const { signal, release } = this.#limit(question);
    try {
      return await this.#ask(peer, question, signal);
    } finally {
      release();
    }
  }

  /** Returns an answer of any status whole, of at most `maxBytes`. */
  async read(
    peer: Peer,
    { maxBytes, ...question }: Question & { readonly maxBytes: number },
  ): Promise<WholeAnswer> {
    const { signal, release } = this.#limit(question);
    try {
      const { status, body } = await this.#ask(peer, question, signal);
      const pieces: Uint8Array[] = [];
      let bytes = 0;
      for await (const piece of body) {
        bytes += piece.length;
        if (bytes > maxBytes) throw new PeerFailure(new Error(`more than ${maxBytes} bytes`), true);
        pieces.push(piece);
      }
      return { status, text: Buffer.concat(pieces).toString('utf8') };
    } finally {
      release();
    }
  }

  close(): void {
    this.#plain.destroy();
    this.#tls.destroy();
  }

  /** A signal that fires after the time of the question, or with its own signal. */
  #limit({ withinMs, signal }: Question): { readonly signal: AbortSignal; release(): void } {
    const control = new AbortController();
    const late = new Error(`no answer within ${withinMs} ms`);
    const release = this.#clock.after(withinMs, () => control.abort(late));
    return { signal: signal ? AbortSignal.any([control.signal, signal]) : control.signal, release };
  }

  async #ask(peer: Peer, question: Question, signal: AbortSignal): Promise<Answer> {
    const url = peer.peerUrl ?? peer.url;
    const { protocol } = URL.canParse(url) ? new URL(url) : { protocol: null };
    if (protocol !== 'http:' && protocol !== 'https:')
      throw new PeerFailure(new Error(`invalid address: '${url}'`), false);
    if (protocol === 'http:' && this.#options.tls)
      throw new PeerFailure(new Error(`${url} is no address for nodes with certificates`), false);
    const headers = await this.#signed(question);
    const response = await this.#send(url, protocol === 'https:', { ...question, headers }, signal);
    const { statusCode: status = 0 } = response;
    if (status < 200) {
      response.destroy();
      throw new PeerFailure(new Error(`invalid status ${status}`), true);
    }
    return {
      status,
      headers: response.headers,
      body: this.#pieces(response, question.live === true, signal),
      discard: () => response.destroy(),
    };
  }

  async #signed({ headers = {}, method, path }: Question): Promise<PeerHeaders> {
    if (headers[askerHeader] !== undefined) return headers;
    try {
      return { ...headers, ...(await this.#options.signer?.headersFor(method, path)) };
    } catch (error) {
      throw new PeerFailure(error, false);
    }
  }

  #send(url: string, secure: boolean, question: Question, signal: AbortSignal): Promise<IncomingMessage> {
    const { method, path, headers, send } = question;
    return new Promise((resolve, reject) => {
      let sent = false;
      const outgoing = (secure ? tlsRequest : plainRequest)(url, {
        method,
        path,
        headers: {
          'user-agent': 'carillon-node',
          ...headers,
          [forwardedBy]: this.#self,
        },
        agent: secure ? this.#tls : this.#plain,
      });
      let answer: IncomingMessage | null = null;
      // No error is passed once there is a response: a connection about to be kept alive would throw it.
      const abort = () => (answer === null ? outgoing.destroy(reasonOf(signal)) : answer.destroy());
      signal.addEventListener('abort', abort);
      if (signal.aborted) abort();
      const { connectMs } = peerLimits;
      const stopConnecting = this.#clock.after(connectMs, () =>
        outgoing.destroy(new Error(`no connection within ${connectMs} ms`)),
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
      outgoing.on('error', (error) => reject(new PeerFailure(error, sent)));
      outgoing.once('close', () => {
        stopConnecting();
        signal.removeEventListener('abort', abort);
        // Node.js reports no error for a peer that switches protocols.
        reject(new PeerFailure(new Error('closed without an answer'), sent));
      });
    });
  }

  /** Only the wait for a piece counts, not the time that the reader takes for it. */
  async *#pieces(
    response: IncomingMessage,
    live: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void> {
    const { pauseMs } = peerLimits;
    const pieces: AsyncIterator<Uint8Array> = response[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await (live ? pieces.next() : within(this.#clock, pauseMs, pieces.next()));
        if (next === null) throw new Error(`silent for ${pauseMs} ms`);
        if (next.done === true) return;
        yield next.value;
      }
    } catch (error) {
      throw new PeerFailure(signal.aborted ? reasonOf(signal) : error, true);
    } finally {
      response.destroy();
    }
  }
}

/** Whoever has a certificate of the authority is a node of the installation, whatever its address is. */
const agentOf = (tls: PeerTls | null | undefined): TlsAgent =>
  new TlsAgent({ keepAlive: true, ...(tls && { ...tls.context, checkServerIdentity: () => undefined }) });

const reasonOf = ({ reason }: AbortSignal): Error =>
  reason instanceof Error && reason.name !== 'AbortError' ? reason : new Error('aborted');
