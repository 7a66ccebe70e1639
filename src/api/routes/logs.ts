/**
 * Serves the output of runs, as text or live as server-sent events. Output is stored on the node that ran or
 * watched the job. If it is not here, the request goes to the other nodes and their response is relayed.
 */

import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { CarillonError } from '../../errors.ts';
import type { RunLogQuery } from '../../scheduler/handle.ts';
import { oneOf } from '../../scheduler/job/definition.ts';
import { published } from '../../scheduler/job/schema/published.ts';
import type { LogChunk } from '../../scheduler/ports.ts';
import { within } from '../../scheduler/waiting.ts';
import type { ApiContext } from '../context.ts';
import { answers, type Identified, identified, query } from '../endpoint.ts';
import { endOnceRefused } from '../guard/recheck.ts';
import { holdWhileOpen } from '../guard/room.ts';
import { positionForm, positionOf, toEvents } from '../log-events.ts';
import { withTimes } from '../log-times.ts';
import { askFor, hostWith, othersWith } from '../peers/outputs.ts';
import { isForwarded } from '../peers/relay.ts';
import { stopOf } from '../stop.ts';
import { apiLimits } from '../wire/limits.ts';

const LogsQuery = query({
  stream: Type.Optional(oneOf(['stdout', 'stderr'], { description: 'Default: both.' })),
  tail: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: apiLimits.tail,
      description: 'Return only the last lines, up to this number.',
    }),
  ),
  timestamps: Type.Optional(
    Type.Boolean({
      description:
        'Begin each line with the time at which it was printed, where it is known, in UTC with nanoseconds, and a space. Default: false.',
    }),
  ),
  follow: Type.Optional(Type.Boolean({ description: 'Keep the response open until the run has ended.' })),
  attempt: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Default: the newest attempt.' }),
  ),
  after: Type.Optional(
    Type.String({
      maxLength: 64,
      description:
        'Only the output after this position: the id of an event. The header Last-Event-ID has the same effect and takes precedence. With a position, tail is ignored.',
      ...published({ pattern: positionForm }),
    }),
  ),
});

/**
 * A silent run has no output yet. After this time the response begins, and an error can no longer change its
 * status.
 */
const firstOutputMs = 500;

type Logs = { Params: Identified; Querystring: Static<typeof LogsQuery> };
type Piece = string | Uint8Array;
/** The requested output. With a position, `attempt` is the position's. */
type Wanted = Omit<RunLogQuery, 'signal'>;

export function logRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get<Logs>(
    '/runs/:id/logs',
    {
      config: { needs: 'logs', waits: true },
      schema: {
        summary: 'Read the output of a run',
        description:
          'Plain text; with Accept: text/event-stream events named log with { stream, text }, and end as the last. ' +
          'The id of an event is the position after it: attempt:stdout:stderr, in bytes from the beginning of the output, ' +
          'dropped bytes included. A client that sends it as Last-Event-ID or after continues there, on any node. ' +
          'A line in the place of dropped output has the number of bytes.',
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
      const wanted = wantedBy(request);
      if (wanted.follow === true) {
        holdWhileOpen(context.streams, request, reply);
        endOnceRefused(context, request, reply);
      }
      const stop = stopOf(context, reply);
      const events = (request.headers.accept ?? '').includes('text/event-stream');
      const pieces = output(context, request, { wanted, events, stop: stop.signal });
      const first = pieces.next();
      const { clock } = context;
      await (wanted.follow === true ? within(clock, firstOutputMs, first) : first);
      reply.type(events ? 'text/event-stream; charset=utf-8' : 'text/plain; charset=utf-8');
      return reply.send(Readable.from(chain(first, pieces, { events, stop }), { objectMode: false }));
    },
  );
}

/** A position belongs to an attempt, so no other attempt can be requested with it. */
function wantedBy({ query, headers }: FastifyRequest<Logs>): Wanted {
  const { after, ...wanted } = query;
  const header = headers['last-event-id'];
  const source = header === undefined ? { field: 'after', source: 'query' } : lastEventId;
  const text = header === undefined ? after : String(header);
  if (text === undefined) return wanted;
  const position = positionOf(text, source);
  if (wanted.attempt !== undefined && wanted.attempt !== position.attempt) {
    throw new CarillonError(
      'INVALID_FIELD',
      `${source.field} is a position in attempt ${position.attempt}.`,
      {
        ...source,
        value: text,
        allowed: `a position in attempt ${wanted.attempt}, which was asked for`,
      },
    );
  }
  return { ...wanted, ...position };
}

const lastEventId = { field: 'Last-Event-ID', source: 'header' };

interface Manner {
  readonly wanted: Wanted;
  readonly events: boolean;
  readonly stop: AbortSignal;
}

/** The output from this node, or else from another node, or else from the archive. */
async function* output(
  context: ApiContext,
  request: FastifyRequest<Logs>,
  manner: Manner,
): AsyncGenerator<Piece> {
  let begun = false;
  try {
    for await (const piece of fromHere(context, request, manner)) {
      begun = true;
      yield piece;
    }
    return;
  } catch (error) {
    const gone = error instanceof CarillonError && error.code === 'LOGS_GONE';
    if (begun || !gone || isForwarded(request)) throw error;
    yield* fromOthers(context, request, manner, error);
  }
  refuseIfClosing(context);
}

async function* fromHere(
  context: ApiContext,
  request: FastifyRequest<Logs>,
  { wanted, events, stop }: Manner,
  more: Pick<RunLogQuery, 'anywhere'> = {},
): AsyncGenerator<Piece> {
  const read = context.as(request).logs(request.params.id, { ...wanted, ...more, signal: stop });
  const chunks = wanted.timestamps === true ? withTimes(read) : read;
  yield* events ? toEvents(chunks, stop) : toText(chunks);
  refuseIfClosing(context);
  if (events) yield 'event: end\ndata: {}\n\n';
}

/** The run may continue. Without an error, clients would take the end of this node for the end of the output. */
function refuseIfClosing({ closing }: ApiContext): void {
  if (closing.aborted) throw new CarillonError('STORE_UNAVAILABLE', 'This node is stopping.');
}

/**
 * Reads from the node that has the output, or else from the first that responds. Each node is asked once. What a node alone has
 * had, and cannot answer, may be in the archive.
 */
async function* fromOthers(
  context: ApiContext,
  request: FastifyRequest<Logs>,
  manner: Manner,
  gone: CarillonError,
): AsyncGenerator<Piece> {
  const host = hostWith(gone);
  const others = othersWith(context, host);
  const silent: string[] = [...(gone.details.names ?? [])];
  if (host !== null && others.length === 0) silent.push(host);
  for (const member of others) {
    const { wanted, stop } = manner;
    const answer = await askFor(context, request, member, {
      path: request.url,
      live: wanted.follow === true,
      stop,
    });
    if (answer?.status === 200) {
      yield* answer.body;
      return;
    }
    answer?.discard();
    if (answer === null || answer.status >= 500) silent.push(member.url);
  }
  if (host !== null) {
    try {
      yield* fromHere(context, request, manner, { anywhere: true });
      return;
    } catch (error) {
      if (!(error instanceof CarillonError) || error.code !== 'LOGS_GONE') throw error;
      silent.push(...(error.details.names ?? []));
    }
  }
  const { id } = request.params;
  if (silent.length === 0)
    throw new CarillonError('LOGS_GONE', `The output of '${id}' is no longer kept on any node.`);
  throw new CarillonError(
    'ENGINE_UNAVAILABLE',
    `The output of '${id}' may be on ${silent.join(', ')}, which cannot be reached at the moment.`,
    { names: silent },
  );
}

/** Yields what was already read, then the rest. The response may begin between the two. */
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
