/** Endpoints of one node for machines: liveness, readiness and metrics. Outside `/api/v1`. */

import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { CarillonError } from '../../errors.ts';
import { oneOf } from '../../scheduler/job/definition.ts';
import { asksForDropwizard, dropwizardMetrics } from '../chronos/dropwizard.ts';
import type { ApiContext } from '../context.ts';
import { answersHere } from '../endpoint.ts';
import { sendLong, sendParts } from '../long-answer.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { type WebApp, wantsPage } from '../web-app.ts';
import { orNull } from '../wire/shape.ts';

const tags = ['node'];
const text = { type: 'text/plain', schema: Type.String() };
const Live = Type.Object({ status: Type.Literal('ok') });
/** For everybody: nothing of jobs, not even how many there are. */
const Ready = Type.Object({
  status: Type.Literal('ok'),
  role: oneOf(['leader', 'follower']),
  term: Type.Integer(),
  lagMs: orNull(Type.Number(), {
    description: "Maximum age of this node's copy of the state. 0 on the leader.",
  }),
});

export interface NodeParts {
  readonly metrics: Metrics;
  readonly web: WebApp;
  /** Metrics need no log-in. */
  readonly openMetrics: boolean;
}

export function nodeRoutes(app: FastifyInstance, context: ApiContext, parts: NodeParts): void {
  welcomeRoute(app, context, parts);
  healthRoutes(app, context);
  metricsRoute(app, context, parts);
}

function welcomeRoute(app: FastifyInstance, { node }: ApiContext, { web }: NodeParts): void {
  app.get(
    '/',
    {
      config: { needs: 'nothing' },
      schema: {
        summary: 'List the main addresses',
        description: 'Browsers (Accept: text/html) get the web app.',
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
}

function healthRoutes(app: FastifyInstance, { whole: scheduler }: ApiContext): void {
  app.get(
    '/ping',
    {
      config: { needs: 'nothing' },
      schema: {
        summary: 'Ping',
        tags,
        operationId: 'ping',
        response: answersHere({ 200: { description: 'pong', ...text } }),
      },
    },
    async (_request, reply) => reply.type('text/plain; charset=utf-8').send('pong\n'),
  );

  app.get(
    '/health/live',
    {
      config: { needs: 'nothing' },
      schema: {
        summary: 'Check liveness: the process responds',
        tags,
        operationId: 'isLive',
        response: answersHere({ 200: { description: 'Alive', schema: Live } }),
      },
    },
    async () => ({ status: 'ok' }),
  );

  app.get(
    '/health/ready',
    {
      config: { needs: 'nothing' },
      schema: {
        summary:
          'Check readiness: this node leads, or follows with a complete copy of the state, and some node leads',
        tags,
        operationId: 'isReady',
        response: answersHere({ 200: { description: 'Ready', schema: Ready } }, [
          'NOT_LEADING',
          'STORE_UNAVAILABLE',
        ]),
      },
    },
    async () => {
      const { role, term, unled, lagMs, store } = scheduler.cluster();
      if (!store.reachable)
        throw unavailable(`The store cannot be reached: ${store.detail ?? 'no response'}.`);
      if (role === 'starting') throw unavailable('This node has not loaded its state yet.');
      if (unled) {
        throw new CarillonError('NOT_LEADING', 'No node leads at the moment, so no jobs are started.');
      }
      // It throws while there is no copy.
      scheduler.jobCount();
      return { status: 'ok', role, term, lagMs };
    },
  );
}

function metricsRoute(app: FastifyInstance, context: ApiContext, { metrics, openMetrics }: NodeParts): void {
  app.get(
    '/metrics',
    {
      config: openMetrics ? { needs: 'nothing' } : { needs: 'read', ofAll: true },
      schema: {
        summary: 'Read metrics for Prometheus',
        description: 'If Accept is missing or prefers application/json: the JSON of Chronos, by job.',
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
      // Names of jobs are not for everybody.
      const ofJobs = request.asker !== null;
      if (asksForDropwizard(request.headers.accept))
        return sendLong(
          reply,
          context,
          await dropwizardMetrics({ scheduler: context.whole, turns: context.turns }, ofJobs),
        );
      reply.type('text/plain; version=0.0.4; charset=utf-8');
      return sendParts(reply, context, await metrics.text(ofJobs));
    },
  );
}

const unavailable = (message: string): CarillonError => new CarillonError('STORE_UNAVAILABLE', message);
