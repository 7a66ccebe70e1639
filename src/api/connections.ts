/**
 * Connections: bounded in all and for each address, and ended when the app closes.
 *
 * Where there are too many, one that gets nothing done makes way for the new one: first those on which nothing is
 * asked, then those whose request is still on its way, those of operators and of other nodes last; within each, the
 * one that has been so for longest. A connection that is being answered stays; long answers are streams, and those
 * are bounded by themselves.
 *
 * At the end the platform's own closing leaves two kinds open for a minute: those on which nothing was ever asked,
 * which browsers open in advance, and those whose stream ends because of the closing.
 */

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { apiLimits } from './limits.ts';
import { isOurs } from './room.ts';

/** What is asked on a connection; `answering` begins when the request is here as a whole. */
type Phase = 'quiet' | 'receiving' | 'answering';

interface Connection {
  readonly address: string;
  phase: Phase;
  ours: boolean;
}

export class Connections {
  /** In the order in which they came into their phase. */
  readonly #open = new Map<Socket, Connection>();
  #closing = false;

  constructor(app: FastifyInstance) {
    app.server.on('connection', (socket) => this.#take(socket));
    app.server.on('request', (request, response) => {
      const { socket } = request;
      this.#asked(request);
      response.once('close', () => {
        if (this.#closing) socket.destroySoon();
        else this.#enter(socket, request.complete ? 'quiet' : 'receiving');
      });
    });
    app.addHook('preClose', async () => {
      this.#closing = true;
      for (const [socket, { phase }] of this.#open) if (phase === 'quiet') socket.destroy();
    });
  }

  get count(): number {
    return this.#open.size;
  }

  #take(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    if (this.#closing || !this.#makeWay(address)) {
      socket.destroy();
      return;
    }
    this.#open.set(socket, { address, phase: 'quiet', ours: false });
    socket.once('close', () => this.#open.delete(socket));
  }

  #asked(request: IncomingMessage): void {
    const { socket } = request;
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    connection.ours ||= isOurs(request.headers);
    this.#enter(socket, hasBody(request) ? 'receiving' : 'answering');
    request.once('end', () => {
      if (connection.phase === 'receiving') this.#enter(socket, 'answering');
    });
  }

  #enter(socket: Socket, phase: Phase): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    connection.phase = phase;
    this.#open.delete(socket);
    this.#open.set(socket, connection);
  }

  /** False when nobody can make way. */
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

/** The least makes way first; infinite: never. */
function rankOf({ phase, ours }: Connection): number {
  if (phase === 'answering') return Number.POSITIVE_INFINITY;
  return (phase === 'receiving' ? 1 : 0) + (ours ? 2 : 0);
}
