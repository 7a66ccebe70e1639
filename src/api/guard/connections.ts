/**
 * Limits connections, in total and per address, and closes them when the app closes.
 *
 * When a limit is reached, a connection without progress is closed in favour of the new one: first idle
 * connections, then those whose request is still arriving, and last those of operators and other nodes;
 * within each group, the one that has been in its state for longest. A connection that is being answered is
 * kept, unless its client does not read the response; such connections are closed only after all others.
 *
 * Requests of one connection are answered one after another. A response that waits behind another would take
 * memory, and Node.js never tells it that the connection has closed, so requests beyond a few are dropped.
 *
 * When the server closes, Node.js itself leaves three kinds of connections open for a minute: those without
 * any request yet, which browsers open in advance; those whose request has not arrived completely; and those
 * whose stream ends because of the closing. This class closes them.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { CarillonError } from '../../errors.ts';
import { apiLimits } from '../wire/limits.ts';
import { isOurs } from './room.ts';

/** State of a connection; `answering` begins when the request has arrived completely. */
type Phase = 'quiet' | 'receiving' | 'answering';

interface Connection {
  readonly address: string;
  phase: Phase;
  ours: boolean;
  /**
   * Unfinished responses in the order of their requests, each with the function to call when the previous one
   * has ended.
   */
  readonly answers: Map<ServerResponse, () => void>;
}

export class Connections {
  /** In the order in which they entered their phase. */
  readonly #open = new Map<Socket, Connection>();
  /** Sockets of TCP until their handshake of TLS is complete, by both of their ends. */
  readonly #handshakes = new Map<string, Socket>();
  #closing = false;

  /** Of a server that was just made. `secure`: it speaks TLS. */
  guard(server: Server, secure: boolean): void {
    server.on('connection', (socket) => this.#accept(socket, secure));
    if (secure) server.on('secureConnection', (socket: Socket) => this.#secured(socket));
    // Before the framework's own listener, which starts to handle the request at once.
    server.prependListener('request', (request, response) => this.#asked(request, response));
  }

  /** Before other hooks. */
  use(app: FastifyInstance): void {
    app.addHook('onRequest', async (request, reply) => {
      if (!(await this.#turnOf(request.raw.socket, reply))) reply.hijack();
    });
    app.addHook('preClose', async () => {
      this.#closing = true;
      for (const [socket, { phase }] of this.#open) if (phase !== 'answering') socket.destroy();
    });
  }

  get count(): number {
    return this.#open.size;
  }

  #accept(socket: Socket, secure: boolean): void {
    const address = socket.remoteAddress ?? '';
    if (this.#closing || !this.#makeWay(address)) {
      socket.destroy();
      return;
    }
    this.#keep(socket, { address, phase: 'quiet', ours: false, answers: new Map() });
    if (!secure) return;
    const ends = endsOf(socket);
    this.#handshakes.set(ends, socket);
    socket.once('close', () => this.#handshakes.delete(ends));
  }

  /** The handshake is complete: from now on requests and answers pass this socket, above that of TCP. */
  #secured(socket: Socket): void {
    const below = this.#handshakes.get(endsOf(socket));
    const connection = below && this.#open.get(below);
    if (below === undefined || connection === undefined) {
      socket.destroy();
      return;
    }
    this.#handshakes.delete(endsOf(socket));
    this.#open.delete(below);
    this.#keep(socket, connection);
  }

  #keep(socket: Socket, connection: Connection): void {
    this.#open.set(socket, connection);
    socket.once('close', () => {
      this.#open.delete(socket);
      for (const go of connection.answers.values()) go();
    });
  }

  #asked(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    connection.ours ||= isOurs(request.headers);
    const { answers } = connection;
    answers.set(response, () => undefined);
    response.once('close', () => {
      answers.delete(response);
      const [next] = answers.values();
      next?.();
      if (this.#closing) socket.destroySoon();
      else if (next === undefined) this.#enter(socket, request.complete ? 'quiet' : 'receiving');
    });
    this.#enter(socket, hasBody(request) ? 'receiving' : 'answering');
    request.once('end', () => {
      if (connection.phase === 'receiving') this.#enter(socket, 'answering');
    });
  }

  /** Resolves when all earlier requests are answered. False: no response may be sent any more. */
  async #turnOf(socket: Socket, reply: FastifyReply): Promise<boolean> {
    const answers = this.#open.get(socket)?.answers;
    if (answers === undefined) return !socket.destroyed;
    const more = answers.size - apiLimits.pipelined;
    if (more > 1) return false;
    if (more === 1) {
      reply.header('connection', 'close');
      throw tooManyAtOnce();
    }
    while (!socket.destroyed && firstOf(answers) !== reply.raw)
      await new Promise<void>((go) => answers.set(reply.raw, go));
    return !socket.destroyed;
  }

  #enter(socket: Socket, phase: Phase): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    connection.phase = phase;
    this.#open.delete(socket);
    this.#open.set(socket, connection);
  }

  /** Returns false if no connection can be closed. */
  #makeWay(address: string): boolean {
    let own = 0;
    for (const connection of this.#open.values()) if (connection.address === address) own++;
    if (own >= apiLimits.connectionsPerAddress) return this.#end((each) => each.address === address);
    return this.#open.size < apiLimits.connections || this.#end(() => true);
  }

  #end(may: (connection: Connection) => boolean): boolean {
    let found: Socket | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (const [socket, connection] of this.#open) {
      const rank = rankOf(connection);
      if (rank >= least || !may(connection)) continue;
      found = socket;
      least = rank;
    }
    if (found === null) return false;
    this.#open.delete(found);
    found.destroy();
    return true;
  }
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** The connection with the lowest rank is closed first. Infinity: never. */
function rankOf({ phase, ours, answers }: Connection): number {
  const own = ours ? 2 : 0;
  if (phase !== 'answering') return (phase === 'receiving' ? 1 : 0) + own;
  const first = firstOf(answers);
  // The response is complete, or produced as far as the client has read.
  const unread = first !== undefined && (first.writableEnded || first.writableNeedDrain);
  return unread ? 4 + own : Number.POSITIVE_INFINITY;
}

const endsOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;

function firstOf(answers: Connection['answers']): ServerResponse | undefined {
  const [first] = answers.keys();
  return first;
}

function tooManyAtOnce(): CarillonError {
  const allowed = `at most ${apiLimits.pipelined} concurrent requests of one connection`;
  return new CarillonError('BUSY', `Too many concurrent requests on this connection. Allowed: ${allowed}.`, {
    allowed,
  });
}
