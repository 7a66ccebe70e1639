/** Serializes responses of megabytes piece by piece: one call would block the event loop for too long. */

import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Turns } from './turns.ts';

/** Characters per piece. */
const PIECE = 32_768;

/** Lists and objects down to this depth are serialized item by item. Deeper values are short. */
const DEPTH = 3;

/** Sends the value as JSON. */
export function sendLong(reply: FastifyReply, turns: Turns, value: object): FastifyReply {
  return reply
    .type('application/json; charset=utf-8')
    .send(Readable.from(inTurns(turns, pieces(value, DEPTH))));
}

/** Sends a text that is produced in parts. */
export function sendParts(reply: FastifyReply, turns: Turns, parts: Iterable<string>): FastifyReply {
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
