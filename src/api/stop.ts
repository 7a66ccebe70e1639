/** When work for a client ends, because nobody waits for it. */

import type { FastifyReply } from 'fastify';
import type { ApiContext } from './context.ts';
import { whenOver } from './guard/room.ts';

/** Aborts when the client disconnects or the app closes. */
export function stopOf({ closing }: ApiContext, reply: FastifyReply): AbortController {
  const stop = new AbortController();
  const abort = () => stop.abort();
  closing.addEventListener('abort', abort, { once: true });
  whenOver(reply, () => {
    closing.removeEventListener('abort', abort);
    abort();
  });
  return stop;
}
