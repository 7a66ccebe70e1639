/**
 * Bounds the memory that bodies take while they arrive and are worked on, whatever lengths they declare: bytes are
 * counted as they come. A small body always has room, so commands get through beside large ones. A body that does
 * not fit is refused with 503 and the rest of it is dropped unread; one that stops coming is given up.
 */

import { Transform } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { CarillonError } from '../../errors.ts';
import type { Clock } from '../../scheduler/ports.ts';
import { holderOf, type Room, whenOver } from '../guard/room.ts';
import { apiLimits } from '../wire/limits.ts';

/** For bodies that are read here; what is passed on to another node is not kept. */
export function boundBodies(app: FastifyInstance, room: Room, clock: Clock): void {
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
    // Where nothing reads the body, nobody else listens.
    counted.on('error', () => {});
    counted.once('close', () => {
      beAwake.stop();
      // The rest is dropped: the client may still send it, and then hears the answer.
      payload.resume();
    });
    // What was parsed out of it is there until the answer.
    payload.once('end', beAwake.stop);
    whenOver(reply, () => {
      answered = true;
      room.give(holder, held);
      counted.destroy();
    });
    payload.once('error', (error) => counted.destroy(error));
    payload.once('close', () => {
      if (!counted.writableEnded) counted.destroy(new Error('the client went away'));
    });
    done(null, payload.pipe(counted));
  });
}

/** Calls `act` once nobody has called the result for so long. */
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
  return new CarillonError('TOO_SLOW', `Nothing of the body came for ${seconds} seconds.`, {
    field: 'body',
    allowed: `a part of the body at least every ${seconds} seconds`,
    source: 'body',
  });
}
