/** What machines ask of one node: is it alive, may it get requests, how is it doing. Outside `/api/v1`. */

import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { CarillonError } from '../../errors.ts';
import { oneOf } from '../../scheduler/job/definition.ts';
import { asksForDropwizard, dropwizardMetrics } from '../chronos/dropwizard.ts';
import type { ApiContext } from '../context.ts';
import { answersHere } from '../endpoint.ts';
import { sendLong } from '../long-answer.ts';
import type { Metrics } from '../metrics.ts';
import { type WebApp, wantsPage } from '../web-app.ts';
import { orNull } from '../wire/shape.ts';

const tags = ['node'];
const text = { type: 'text/plain', schema: Type.String() };

export function nodeRoutes(
  app: FastifyInstance,
  { scheduler, node, turns }: ApiContext,
  metrics: Metrics,
  web: WebApp,
): void {
  app.get(
    '/',
    {
      schema: {
        summary: 'Where to go',
        description: 'The web app for who asks for text/html.',
        tags,
        operationId: 'welcome',
        response: answersHere({
          200: { description: 'Addresses', schema: Type.Record(Type.String(), Type.String()) },
        }),
      },
    },
    async (request, reply) => {
      if (wantsPage(request)) return web.page(request, reply);
      reply.header('vary', 'accept, accept-encoding');
      return {
        name: 'carillon',
        version: node.version,
        api: '/api/v1/jobs',
        documentation: '/api/v1/openapi.json',
        metrics: '/metrics',
        health: '/health/ready',
      };
    },
  );

  app.get(
    '/ping',
    {
      schema: {
        summary: 'Answers pong',
        tags,
        operationId: 'ping',
        response: answersHere({ 200: { description: 'pong', ...text } }),
      },
    },
    async (_request, reply) => reply.type('text/plain; charset=utf-8').send('pong\n'),
  );

  const Live = Type.Object({ status: Type.Literal('ok') });
  app.get(
    '/health/live',
    {
      schema: {
        summary: 'The process works',
        tags,
        operationId: 'isLive',
        response: answersHere({ 200: { description: 'It does', schema: Live } }),
      },
    },
    async () => ({ status: 'ok' }),
  );

  const Ready = Type.Object({
    status: Type.Literal('ok'),
    role: oneOf(['leader', 'follower']),
    term: Type.Integer(),
    jobs: Type.Integer(),
    lagMs: orNull(Type.Number(), { description: 'How old the copy of this node may be; 0 on the leader.' }),
  });
  app.get(
    '/health/ready',
    {
      schema: {
        summary:
          'Check readiness: this node leads, or follows with a complete copy of the state, and some node leads',
        tags,
        operationId: 'isReady',
        response: answersHere({ 200: { description: 'It may', schema: Ready } }, [
          'NOT_LEADING',
          'STORE_UNAVAILABLE',
        ]),
      },
    },
    async () => {
      const { role, term, unled, lagMs, store } = scheduler.cluster();
      if (!store.reachable)
        throw unavailable(`The store can not be reached: ${store.detail ?? 'no answer'}.`);
      if (role === 'starting') throw unavailable('This node has not loaded its state yet.');
      if (unled) {
        throw new CarillonError('NOT_LEADING', 'No node leads at the moment, so no job is started.');
      }
      return { status: 'ok', role, term, jobs: scheduler.jobCount(), lagMs };
    },
  );

  app.get(
    '/metrics',
    {
      schema: {
        summary: 'Metrics for Prometheus',
        description: 'Chronos’ JSON, by job, if Accept is missing or prefers application/json.',
        tags,
        operationId: 'getMetrics',
        response: {
          ...answersHere({}),
          200: {
            description: 'Text exposition format, or JSON',
            content: {
              'text/plain': { schema: Type.String() },
              'application/json': { schema: Type.Record(Type.String(), Type.Unknown()) },
            },
          },
        },
      },
    },
    async (request, reply) => {
      reply.header('vary', 'accept');
      if (asksForDropwizard(request.headers.accept))
        return sendLong(reply, turns, await dropwizardMetrics({ scheduler, turns }));
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(metrics.text());
    },
  );
}

const unavailable = (message: string): CarillonError => new CarillonError('STORE_UNAVAILABLE', message);
