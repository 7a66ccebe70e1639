/** Streams live changes as server-sent events. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { ApiContext } from '../context.ts';
import { answers, query } from '../endpoint.ts';
import { askerIn } from '../guard/needs.ts';
import { endOnceRefused } from '../guard/recheck.ts';
import { holdWhileOpen } from '../guard/room.ts';
import { ref } from '../wire/shape.ts';
import { WireEvent } from '../wire/views.ts';

const EventsQuery = query({
  job: Type.Optional(Type.String({ maxLength: 128, description: 'Only events about this job.' })),
});

const eventStream = 'text/event-stream; charset=utf-8';

export function eventRoutes(app: FastifyInstance, context: ApiContext): void {
  const { live, streams } = context;
  app.get<{ Querystring: Static<typeof EventsQuery> }>(
    '/events',
    {
      config: { needs: 'read', waits: true },
      // HEAD would open a stream that nobody reads.
      exposeHeadRoute: false,
      schema: {
        summary: 'Stream live changes',
        description:
          'Server-sent events named job, run, leader and gap; the data of each is an Event. To resume ' +
          'after a lost connection, send Last-Event-ID. A gap event means that some missed events are ' +
          'no longer available.',
        tags: ['live'],
        operationId: 'watchEvents',
        querystring: EventsQuery,
        response: answers(
          { 200: { description: 'Events', type: 'text/event-stream', schema: ref(WireEvent) } },
          ['BUSY'],
        ),
      },
    },
    async (request, reply) => {
      holdWhileOpen(streams, request, reply);
      endOnceRefused(context, request, reply);
      const last = request.headers['last-event-id'];
      const stream = live.open({
        job: request.query.job ?? null,
        asker: askerIn(request),
        lastId: typeof last === 'string' ? last : null,
      });
      reply.type(eventStream).header('x-accel-buffering', 'no');
      return reply.send(stream);
    },
  );

  app.head(
    '/events',
    { config: { needs: 'read' }, schema: { hide: true, querystring: EventsQuery } },
    (_request, reply) => reply.type(eventStream).send(),
  );
}
