/** The OpenAPI document, made from the schemas that the routes are checked by. */

import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { Type } from 'typebox';
import { publish } from '../scheduler/job/schema/published.ts';
import { answersHere } from './endpoint.ts';
import { components } from './wire/components.ts';

/** Before any route is added. */
export function describeApi(app: FastifyInstance, version: string): void {
  for (const component of components) app.addSchema(publish(component));
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Carillon',
        version,
        description:
          'A distributed cron scheduler. Instants are ISO 8601 in UTC with milliseconds; durations are ISO 8601 in ' +
          'jobs and milliseconds in results. Problems are application/problem+json with a code. Say who you are in ' +
          'X-Carillon-User.',
      },
      tags: [
        { name: 'jobs', description: 'Definitions' },
        { name: 'runs', description: 'One job at one due instant, or triggered' },
        { name: 'history', description: 'Ledger and revisions' },
        { name: 'schedules', description: 'When' },
        { name: 'graph', description: 'Dependencies' },
        { name: 'statistics', description: 'Percentiles' },
        { name: 'live', description: 'Changes as they happen' },
        { name: 'installation', description: 'Nodes and engines' },
        { name: 'node', description: 'This process' },
      ],
    },
    transform: ({ schema, url }) => ({ schema: publish(schema) as FastifySchema, url }),
    // Components keep their names instead of numbers.
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `unnamed-${index}`),
    },
  });
}

export function openapiRoute(app: FastifyInstance): void {
  app.get(
    '/openapi.json',
    {
      schema: {
        summary: 'This document',
        tags: ['node'],
        operationId: 'getOpenapi',
        response: answersHere({ 200: { description: 'OpenAPI 3.1', schema: Type.Object({}) } }),
      },
    },
    async () => app.swagger(),
  );
}
