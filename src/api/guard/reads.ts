/**
 * Limits how many reads are in progress. A read takes memory and turns of the event loop until its response is made,
 * even if its client has disconnected. The others wait in lines, one for each client, and these take turns, so that one
 * client with many reads does not delay another. A read whose client disconnects while it waits is never begun.
 *
 * A route that mostly waits for an engine, another node or the output of a run (`config.waits`) takes no place: a few of
 * them would hold up all others.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isRead } from './methods.ts';
import { type Holder, holderOf, keyOf, whenOver } from './room.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** It mostly waits, see above. */
    readonly waits?: boolean;
  }
}

/** For the routes that are added afterwards, and behind the hooks that are there. */
export function limitReads(app: FastifyInstance, reads: Reads): void {
  const begun = new WeakSet<FastifyRequest>();
  const end = (request: FastifyRequest): void => {
    if (begun.delete(request)) reads.end();
  };
  app.addHook('preHandler', async (request, reply) => {
    if (!isRead(request) || request.routeOptions.config.waits === true) return;
    if (!(await reads.begin(holderOf(request), reply))) {
      reply.hijack();
      return;
    }
    begun.add(request);
    // A response that is written past the framework does not pass the hook below.
    whenOver(reply, () => {
      if (reply.sent) end(request);
    });
  });
  // The framework calls it for every other response, even if the client has disconnected.
  app.addHook('onSend', async (request) => end(request));
}

export class Reads {
  readonly #most: number;
  /** By client, in the order of their turns. Each line is in the order of its requests, and never empty. */
  readonly #lines = new Map<string, Set<(begins: boolean) => void>>();
  #inProgress = 0;

  /** `most`: reads in progress. */
  constructor(most: number) {
    this.#most = most;
  }

  get inProgress(): number {
    return this.#inProgress;
  }

  /** Resolves when the read may begin. False: its client has disconnected before. */
  begin(holder: Holder, reply: FastifyReply): Promise<boolean> {
    if (this.#inProgress < this.#most) {
      this.#inProgress++;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const key = keyOf(holder);
      const line = this.#lines.get(key) ?? new Set();
      this.#lines.set(key, line.add(resolve));
      whenOver(reply, () => {
        line.delete(resolve);
        if (line.size === 0 && this.#lines.get(key) === line) this.#lines.delete(key);
        resolve(false);
      });
    });
  }

  /** One read that had begun has its response. The first of the next line begins. */
  end(): void {
    for (const [key, line] of this.#lines) {
      for (const begin of line) {
        line.delete(begin);
        // Behind all other clients.
        this.#lines.delete(key);
        if (line.size > 0) this.#lines.set(key, line);
        begin(true);
        return;
      }
    }
    this.#inProgress--;
  }
}
