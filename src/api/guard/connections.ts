/**
 * Connections: bounded in all and for each address, and ended when the app closes.
 *
 * Where there are too many, one that gets nothing done makes way for the new one: first those on which nothing is
 * asked, then those whose request is still on its way, those of operators and of other nodes last; within each, the
 * one that has been so for longest. A connection that is being answered stays, unless its client does not take what
 * it is sent: such go after all others.
 *
 * Requests of one connection are answered one after the other. An answer that waits behind another would take memory,
 * and the platform never tells it that the connection has ended. Requests beyond a few are dropped.
 *
 * At the end the platform's own closing leaves three kinds open for a minute: those on which nothing was ever asked,
 * which browsers open in advance, those whose request is not here as a whole, and those whose stream ends because of the
 * closing.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { CarillonError } from '../../errors.ts';
import { apiLimits } from '../wire/limits.ts';
import { isOurs } from './room.ts';

/** What is asked on a connection; `answering` begins when the request is here as a whole. */
type Phase = 'quiet' | 'receiving' | 'answering';

interface Connection {
  readonly address: string;
  phase: Phase;
  ours: boolean;
  /** Not ended yet, in the order in which they were asked for; each with what to call when the one before has. */
  readonly answers: Map<ServerResponse, () => void>;
}

export class Connections {
  /** In the order in which they came into their phase. */
  readonly #open = new Map<Socket, Connection>();
  #closing = false;

  constructor(app: FastifyInstance) {
    app.server.on('connection', (socket) => this.#take(socket));
    // Before the framework, which begins to work at once.
    app.server.prependListener('request', (request, response) => this.#asked(request, response));
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

  #take(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    if (this.#closing || !this.#makeWay(address)) {
      socket.destroy();
      return;
    }
    const answers: Connection['answers'] = new Map();
    this.#open.set(socket, { address, phase: 'quiet', ours: false, answers });
    socket.once('close', () => {
      this.#open.delete(socket);
      for (const go of answers.values()) go();
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

  /** Resolves when all that was asked for before is answered; false: nothing may be answered any more. */
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
function rankOf({ phase, ours, answers }: Connection): number {
  const own = ours ? 2 : 0;
  if (phase !== 'answering') return (phase === 'receiving' ? 1 : 0) + own;
  const first = firstOf(answers);
  // Made as a whole, or as far as the client has room for.
  const unread = first !== undefined && (first.writableEnded || first.writableNeedDrain);
  return unread ? 4 + own : Number.POSITIVE_INFINITY;
}

function firstOf(answers: Connection['answers']): ServerResponse | undefined {
  const [first] = answers.keys();
  return first;
}

function tooManyAtOnce(): CarillonError {
  const allowed = `at most ${apiLimits.pipelined} requests of one connection at once`;
  return new CarillonError('BUSY', `Too much is asked for at once. Allowed: ${allowed}.`, { allowed });
}
