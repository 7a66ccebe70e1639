/** A backup of everything, streamed as it is read. One at a time: each keeps the store from using its space again. */

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
      schema: {
        summary: 'Back up everything',
        description:
          'Streams a file for `carillon restore`: definitions of jobs in clear text, with `run.env`; states, runs, ' +
          'history, ledger and statistics at one commit. Any node answers, one backup at a time. A connection that ends ' +
          'early leaves a file that is refused.',
        tags: ['installation'],
        operationId: 'backUp',
        response: answers(
          { 200: { description: 'The backup', type: 'application/gzip', schema: Type.String() } },
          ['BACKUP_UNDER_WAY'],
        ),
      },
    },
    async (_request, reply) => {
      if (underWay) {
        throw new CarillonError(
          'BACKUP_UNDER_WAY',
          'This node is taking a backup already. Wait until it is done, or ask another node.',
        );
      }
      underWay = true;
      const bytes = context.scheduler.backup()[Symbol.asyncIterator]();
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

/** What was begun, and what follows: a store that can't be read is a refusal, as long as nothing was sent. */
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

/** Cuts the connection off when nobody reads, when it takes too long, and when the server stops. */
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
