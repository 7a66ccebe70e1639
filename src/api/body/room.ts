/**
 * Limits the memory of request bodies while they arrive and are processed. Bytes are counted as they arrive,
 * whatever length is declared. A small body is always accepted, so commands get through beside large bodies.
 * A body that does not fit is refused with 503 and its rest is dropped unread. A body that stops arriving is
 * refused.
 */

import { Transform } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CarillonError } from '../../errors.ts';
import type { Clock } from '../../scheduler/ports.ts';
import { holderOf, type Room, whenOver } from '../guard/room.ts';
import { apiLimits } from '../wire/limits.ts';

/** For bodies that are read here. Forwarded bodies are not kept in memory. */
export function boundBodies(app: FastifyInstance, room: Room, clock: Clock): void {
  /** Requests whose clients have disconnected while their bodies are processed. */
  const abandoned = new WeakMap<FastifyRequest, () => void>();
  app.addHook('onSend', async (request) => {
    const give = abandoned.get(request);
    // A response that fails is followed by that of the failure.
    abandoned.delete(request);
    give?.();
  });
  app.addHook('preParsing', (request, reply, payload, done) => {
    const { headers } = request;
    if (!Number(headers['content-length']) && headers['transfer-encoding'] === undefined) {
      done(null, payload);
      return;
    }
    const holder = holderOf(request);
    let bytes = 0;
    let held = 0;
    let answered = false;
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, passed) {
        if (answered) return;
        bytes += chunk.length;
        const more = Math.max(0, bytes - apiLimits.smallBodyBytes) - held;
        try {
          if (more > 0) room.take(holder, more);
        } catch (error) {
          passed(error as Error);
          return;
        }
        held += more;
        beAwake();
        passed(null, chunk);
      },
    });
    const beAwake = giveUpAfter(clock, apiLimits.bodySilenceMs, () => counted.destroy(tooSlow()));
    // If nothing reads the body, nothing else listens for its errors.
    counted.on('error', () => {});
    counted.once('close', () => {
      beAwake.stop();
      // Drops the rest: a client that is still sending can then read the response.
      payload.resume();
    });
    payload.once('end', beAwake.stop);
    // The parsed body stays in memory until the response is made, even if the client has disconnected.
    whenOver(reply, () => {
      answered = true;
      const isProcessed = counted.readableEnded && !reply.sent && !reply.raw.headersSent;
      if (isProcessed) abandoned.set(request, () => room.give(holder, held));
      else room.give(holder, held);
      counted.destroy();
    });
    payload.once('error', (error) => counted.destroy(error));
    payload.once('close', () => {
      if (!counted.writableEnded) counted.destroy(new Error('the client disconnected'));
    });
    done(null, payload.pipe(counted));
  });
}

/** Calls `act` when the returned function has not been called for the given time. */
function giveUpAfter(
  clock: Clock,
  silenceMs: number,
  act: () => void,
): { (): void; readonly stop: () => void } {
  let cancel = clock.after(silenceMs, act);
  let stopped = false;
  const awake = () => {
    cancel();
    if (!stopped) cancel = clock.after(silenceMs, act);
  };
  const stop = () => {
    stopped = true;
    cancel();
  };
  return Object.assign(awake, { stop });
}

function tooSlow(): CarillonError {
  const seconds = apiLimits.bodySilenceMs / 1_000;
  return new CarillonError('TOO_SLOW', `No data of the body arrived for ${seconds} seconds.`, {
    field: 'body',
    allowed: `some data of the body at least every ${seconds} seconds`,
    source: 'body',
  });
}
