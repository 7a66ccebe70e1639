/**
 * Limits the memory of responses that clients do not read: a client can request large pages one after another
 * without reading any. The bytes of a response count until the operating system has taken them. A response
 * that does not fit becomes a 503. One that is not read in time ends its connection. Long responses that are
 * produced while they are read need almost no memory, and streams have their own limits.
 */

import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../scheduler/ports.ts';
import { apiLimits } from '../wire/limits.ts';
import { holderOf, type Room, whenOver } from './room.ts';

export function boundAnswers(app: FastifyInstance, room: Room, clock: Clock): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const bytes = bytesOf(payload);
    if (bytes <= apiLimits.smallAnswerBytes) return;
    const holder = holderOf(request);
    room.take(holder, bytes);
    const cancel = clock.after(apiLimits.answerMs, () => request.raw.socket.destroy());
    whenOver(reply, () => {
      cancel();
      room.give(holder, bytes);
    });
  });
}

function bytesOf(payload: unknown): number {
  if (typeof payload === 'string') return Buffer.byteLength(payload);
  return payload instanceof Uint8Array ? payload.length : 0;
}
