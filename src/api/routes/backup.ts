/**
 * Streams a backup of everything while reading it. One at a time: while it runs, the store cannot reuse freed
 * space.
 */

import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { CarillonError } from '../../errors.ts';
import type { ApiContext } from '../context.ts';
import { answers } from '../endpoint.ts';
import { apiLimits } from '../wire/limits.ts';

export function backupRoutes(app: FastifyInstance, context: ApiContext): void {
  let underWay = false;
  app.get(
    '/backup',
    {
      config: { needs: 'admin' },
      schema: {
        summary: 'Take a backup',
        description:
          'Streams a file for `carillon restore`: job definitions in clear text, including `run.env`; ' +
          'states, runs, history, ledger and statistics as of one commit. Every node can take a ' +
          'backup, one at a time. If the connection breaks, the file is incomplete and restore rejects ' +
          'it.',
        tags: ['installation'],
        operationId: 'backUp',
        response: answers(
          { 200: { description: 'The backup', type: 'application/gzip', schema: Type.String() } },
          ['BACKUP_UNDER_WAY'],
        ),
      },
    },
    async (request, reply) => {
      if (underWay) {
        throw new CarillonError(
          'BACKUP_UNDER_WAY',
          'This node is already taking a backup. Wait until it has ended, or use another node.',
        );
      }
      underWay = true;
      const bytes = context.as(request).backup()[Symbol.asyncIterator]();
      let first: IteratorResult<Uint8Array>;
      try {
        first = await bytes.next();
      } catch (error) {
        underWay = false;
        throw error;
      }
      const body = bounded(context, reply, chain(first, bytes), () => {
        underWay = false;
      });
      reply.type('application/gzip').header('cache-control', 'no-store');
      return reply.send(Readable.from(body, { objectMode: false }));
    },
  );
}

/**
 * Yields what was already read, then the rest. Until the first byte is sent, an unreadable store is reported
 * as an error.
 */
async function* chain(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    for (let next = first; !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/**
 * Breaks the connection if the client stops reading, if the backup takes too long, and when the server stops.
 */
async function* bounded(
  { clock, closing }: ApiContext,
  reply: FastifyReply,
  bytes: AsyncIterable<Uint8Array>,
  onEnd: () => void,
): AsyncGenerator<Uint8Array> {
  const cutOff = (): void => void reply.raw.destroy();
  const cancelAll = clock.after(apiLimits.backupMs, cutOff);
  let cancelStall = (): void => undefined;
  closing.addEventListener('abort', cutOff, { once: true });
  try {
    for await (const some of bytes) {
      cancelStall = clock.after(apiLimits.backupStallMs, cutOff);
      yield some;
      cancelStall();
    }
  } finally {
    cancelStall();
    cancelAll();
    closing.removeEventListener('abort', cutOff);
    onEnd();
  }
}
