/**
 * Serializes responses of megabytes piece by piece: one call would block the event loop for too long. The value stays in
 * memory until the client has read the response, so the number of these is limited.
 */

import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { ApiContext } from './context.ts';
import { isRead } from './guard/methods.ts';
import { holdWhileOpen } from './guard/room.ts';
import type { Turns } from './turns.ts';

/** Characters per piece. */
const PIECE = 32_768;

/** Lists and objects down to this depth are serialized item by item. Deeper values are short. */
const DEPTH = 3;

type Sending = Pick<ApiContext, 'turns' | 'longAnswers'>;

/** Sends the value as JSON. BUSY if too many long responses are being sent. */
export function sendLong(reply: FastifyReply, sending: Sending, value: object): FastifyReply {
  return sendParts(reply.type('application/json; charset=utf-8'), sending, pieces(value, DEPTH));
}

/** Sends a text that is produced in parts. BUSY, as above. */
export function sendParts(
  reply: FastifyReply,
  { turns, longAnswers }: Sending,
  parts: Iterable<string>,
): FastifyReply {
  // A change is made by now, so its response is sent in any case.
  if (isRead(reply.request)) holdWhileOpen(longAnswers, reply.request, reply);
  return reply.send(Readable.from(inTurns(turns, parts)));
}

async function* inTurns(turns: Turns, parts: Iterable<string>): AsyncGenerator<string> {
  const turn = await turns.begin();
  let piece = '';
  for (const part of parts) {
    piece += part;
    if (piece.length >= PIECE) {
      yield piece;
      piece = '';
    }
    if (turn.isOver()) await turn.next();
  }
  yield piece;
}

function* pieces(value: unknown, depth: number): Generator<string> {
  if (depth === 0 || typeof value !== 'object' || value === null) yield JSON.stringify(value);
  else if (Array.isArray(value)) {
    let before = '[';
    for (const item of value) {
      yield before;
      yield* pieces(item ?? null, depth - 1);
      before = ',';
    }
    yield before === '[' ? '[]' : ']';
  } else {
    let before = '{';
    for (const [key, field] of Object.entries(value)) {
      if (field === undefined) continue;
      yield `${before}${JSON.stringify(key)}:`;
      yield* pieces(field, depth - 1);
      before = ',';
    }
    yield before === '{' ? '{}' : '}';
  }
}
