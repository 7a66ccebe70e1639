/**
 * Bounds the memory of answers that clients do not read: a client can request pages of megabytes, one after another,
 * and read none. The bytes of an answer count until the system has taken them. An answer that does not fit becomes a
 * 503, and one that is not read in time ends its connection. Long answers that are made while they are read hold next
 * to nothing, and streams have bounds of their own.
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
