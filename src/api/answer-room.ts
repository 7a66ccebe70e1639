/**
 * Bounds the memory of answers that are made and not read: a client can ask for pages of megabytes, one behind the
 * other, and take none. Bytes are held until the system has taken them; an answer that does not fit becomes a refusal
 * with 503, and one that nobody takes in time ends its connection. Long answers that are made while they are read
 * hold next to nothing, and streams are bounded by themselves.
 */

import type { FastifyInstance } from 'fastify';
import type { Clock } from '../scheduler/ports.ts';
import { apiLimits } from './limits.ts';
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
