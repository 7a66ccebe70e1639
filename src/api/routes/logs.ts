/**
 * The output of runs: as text, or live as server-sent events. Output lies on the node whose engine ran the job,
 * or which watched it: what is not here is asked of the others, and handed on as it comes.
 */

import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { CarillonError } from '../../errors.ts';
import { oneOf } from '../../scheduler/job/definition.ts';
import type { LogChunk, Member } from '../../scheduler/ports.ts';
import type { ApiContext } from '../context.ts';
import { answers, type Identified, identified, query } from '../endpoint.ts';
import { holdWhileOpen, whenOver } from '../guard/room.ts';
import { isForwarded, passedOn } from '../peers/peer.ts';
import { deadline, settledWithin } from '../peers/waiting.ts';
import { apiLimits } from '../wire/limits.ts';
import type { WireLogEvent } from '../wire/schema.ts';

const LogsQuery = query({
  stream: Type.Optional(oneOf(['stdout', 'stderr'], { description: 'Default: both.' })),
  tail: Type.Optional(
    Type.Integer({ minimum: 1, maximum: apiLimits.tail, description: 'Only the last so many lines.' }),
  ),
  follow: Type.Optional(Type.Boolean({ description: 'Stay until the run has ended.' })),
  attempt: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Default: the newest attempt.' }),
  ),
});

/** A silent run has nothing to show yet: after this long the answer begins, and errors can no longer be told. */
const firstOutputMs = 500;
/** Another node begins its answer by then, silent run or not; reading the first output from disk included. */
const peerWithinMs = 5_000;

type Logs = { Params: Identified; Querystring: Static<typeof LogsQuery> };
type Piece = string | Uint8Array;

export function logRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get<Logs>(
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
          'ENGINE_UNAVAILABLE',
          'BUSY',
        ]),
      },
    },
    async (request, reply) => {
      if (request.query.follow === true) holdWhileOpen(context.streams, request, reply);
      const stop = stopOf(context, reply);
      const events = (request.headers.accept ?? '').includes('text/event-stream');
      const pieces = output(context, request, { events, stop: stop.signal });
      const first = pieces.next();
      const { clock } = context;
      await (request.query.follow === true ? settledWithin(clock, first, firstOutputMs) : first);
      reply.type(events ? 'text/event-stream; charset=utf-8' : 'text/plain; charset=utf-8');
      return reply.send(Readable.from(chain(first, pieces, { events, stop }), { objectMode: false }));
    },
  );
}

interface Manner {
  readonly events: boolean;
  readonly stop: AbortSignal;
}

/** The output from here, or else from another node. */
async function* output(
  context: ApiContext,
  request: FastifyRequest<Logs>,
  manner: Manner,
): AsyncGenerator<Piece> {
  let begun = false;
  let fromAnother = false;
  try {
    const chunks = context.scheduler.logs(request.params.id, { ...request.query, signal: manner.stop });
    for await (const piece of manner.events ? toEvents(chunks) : toText(chunks)) {
      begun = true;
      yield piece;
    }
  } catch (error) {
    const gone = error instanceof CarillonError && error.code === 'LOGS_GONE';
    if (begun || !gone || isForwarded(request)) throw error;
    yield* fromOthers(context, request, manner);
    fromAnother = true;
  }
  // The run may go on: readers must not mistake the end of this node for the end of the output.
  if (context.closing.aborted) throw new CarillonError('STORE_UNAVAILABLE', 'This node stops.');
  // What another node answered has its own end.
  if (manner.events && !fromAnother) yield 'event: end\ndata: {}\n\n';
}

/** From the node that has it, or else from the first that does; each is asked once. */
async function* fromOthers(
  context: ApiContext,
  request: FastifyRequest<Logs>,
  manner: Manner,
): AsyncGenerator<Piece> {
  const { members, self } = context.scheduler.cluster();
  const { attempts } = await context.scheduler.run(request.params.id);
  const { attempt: wanted } = request.query;
  const attempt = wanted === undefined ? attempts.at(-1) : attempts.find(({ number }) => number === wanted);
  const host = attempt?.host ?? null;
  const others = members.filter(({ id }) => id !== self.id && (host === null || id === host));
  const silent: string[] = host !== null && others.length === 0 ? [host] : [];
  for (const member of others) {
    const answer = await askFor(context, request, member, manner.stop);
    if (answer?.statusCode === 200) {
      yield* answer as AsyncIterable<Uint8Array>;
      return;
    }
    answer?.resume();
    if (answer === null || (answer.statusCode ?? 0) >= 500) silent.push(member.url);
  }
  const { id } = request.params;
  if (silent.length === 0)
    throw new CarillonError('LOGS_GONE', `No node keeps the output of '${id}' any more.`);
  throw new CarillonError(
    'ENGINE_UNAVAILABLE',
    `The output of '${id}' may be kept by ${silent.join(', ')}, which can not be reached now.`,
    { names: silent },
  );
}

/** Null when there is no answer. */
async function askFor(
  { peers, clock }: ApiContext,
  request: FastifyRequest,
  member: Member,
  stop: AbortSignal,
): Promise<IncomingMessage | null> {
  const { signal, release } = deadline(clock, peerWithinMs, stop);
  try {
    return await peers.ask(member, {
      method: 'GET',
      path: request.url,
      headers: passedOn(request),
      signal,
    });
  } catch {
    return null;
  } finally {
    release();
  }
}

/** Stops reading when the client goes away or the app closes. */
function stopOf({ closing }: ApiContext, reply: FastifyReply): AbortController {
  const stop = new AbortController();
  const abort = () => stop.abort();
  closing.addEventListener('abort', abort, { once: true });
  whenOver(reply, () => {
    closing.removeEventListener('abort', abort);
    abort();
  });
  return stop;
}

/** What was begun, and what follows; between the two an answer may have begun. */
async function* chain(
  first: Promise<IteratorResult<Piece>>,
  rest: AsyncIterator<Piece>,
  { events, stop }: { readonly events: boolean; readonly stop: AbortController },
): AsyncGenerator<Piece> {
  try {
    if (events) yield ': output follows\n\n';
    for (let next = await first; !next.done; next = await rest.next()) yield next.value;
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
  for await (const { stream, bytes } of output) {
    const text = decoders[stream].decode(bytes, { stream: true });
    if (text === '') continue;
    yield `event: log\ndata: ${JSON.stringify({ stream, text } satisfies WireLogEvent)}\n\n`;
  }
}
