/** The output of runs: as text, or live as server-sent events. */

import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Static, Type } from 'typebox';
import { oneOf } from '../../scheduler/definition.ts';
import type { Clock, LogChunk } from '../../scheduler/ports.ts';
import type { ApiContext } from '../context.ts';
import { answers, type Identified, identified, query } from '../endpoint.ts';
import { apiLimits } from '../limits.ts';
import type { WireLogEvent } from '../schema.ts';

const LogsQuery = query({
  stream: Type.Optional(oneOf(['stdout', 'stderr'], { description: 'Both unless said.' })),
  tail: Type.Optional(
    Type.Integer({ minimum: 1, maximum: apiLimits.tail, description: 'Only the last so many lines.' }),
  ),
  follow: Type.Optional(Type.Boolean({ description: 'Stay until the run has ended.' })),
  attempt: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'The newest attempt unless said.' }),
  ),
});

/** A silent run has nothing to show yet: after this long the answer begins, and errors can no longer be told. */
const firstOutputMs = 500;

export function logRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Params: Identified; Querystring: Static<typeof LogsQuery> }>(
    '/runs/:id/logs',
    {
      schema: {
        summary: 'Output of a run',
        description:
          'Plain text; with Accept: text/event-stream events named log with { stream, text }, and end as the last.',
        tags: ['runs'],
        operationId: 'getLogs',
        params: identified,
        querystring: LogsQuery,
        response: answers({ 200: { description: 'The output', type: 'text/plain', schema: Type.String() } }, [
          'RUN_NOT_FOUND',
          'LOGS_GONE',
        ]),
      },
    },
    async (request, reply) => {
      const stop = stopOf(context, reply);
      const chunks = context.scheduler
        .logs(request.params.id, { ...request.query, signal: stop.signal })
        [Symbol.asyncIterator]();
      const first = chunks.next();
      await (request.query.follow === true ? settledWithin(context.clock, first, firstOutputMs) : first);
      const output = chain(first, chunks, stop);
      const events = (request.headers.accept ?? '').includes('text/event-stream');
      reply.type(events ? 'text/event-stream; charset=utf-8' : 'text/plain; charset=utf-8');
      return reply.send(Readable.from(events ? toEvents(output) : toText(output), { objectMode: false }));
    },
  );
}

/** Stops reading when the client goes away or the app closes. */
function stopOf({ closing }: ApiContext, reply: FastifyReply): AbortController {
  const stop = new AbortController();
  const abort = () => stop.abort();
  closing.addEventListener('abort', abort, { once: true });
  reply.raw.once('close', () => {
    closing.removeEventListener('abort', abort);
    abort();
  });
  return stop;
}

/** Waits for what was begun, and at most `timeoutMs`; fails if it failed by then. */
async function settledWithin(clock: Clock, begun: Promise<unknown>, timeoutMs: number): Promise<void> {
  // Failing later is seen by whoever reads on.
  begun.catch(() => {});
  let cancel = () => {};
  const timeout = new Promise<void>((resolve) => {
    cancel = clock.after(timeoutMs, resolve);
  });
  await Promise.race([begun, timeout]).finally(cancel);
}

async function* chain(
  first: Promise<IteratorResult<LogChunk>>,
  rest: AsyncIterator<LogChunk>,
  stop: AbortController,
): AsyncGenerator<LogChunk> {
  try {
    for (let next = await first; !next.done && !stop.signal.aborted; next = await rest.next())
      yield next.value;
  } finally {
    stop.abort();
    await rest.return?.();
  }
}

async function* toText(output: AsyncIterable<LogChunk>): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of output) if (bytes.length > 0) yield bytes;
}

async function* toEvents(output: AsyncIterable<LogChunk>): AsyncGenerator<string> {
  // A character may be cut in two by the end of a chunk, in each stream by itself.
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  yield ': output follows\n\n';
  for await (const { stream, bytes } of output) {
    const text = decoders[stream].decode(bytes, { stream: true });
    if (text === '') continue;
    yield `event: log\ndata: ${JSON.stringify({ stream, text } satisfies WireLogEvent)}\n\n`;
  }
  yield 'event: end\ndata: {}\n\n';
}
