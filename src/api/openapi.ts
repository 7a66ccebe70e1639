/** The OpenAPI document, generated from the schemas that the routes are checked with. */

import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { Type } from 'typebox';
import { publish } from '../scheduler/job/schema/published.ts';
import { answersHere } from './endpoint.ts';
import { components } from './wire/components.ts';

/** Call it before any route is added. */
export function describeApi(app: FastifyInstance, version: string): void {
  for (const component of components) app.addSchema(publish(component));
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Carillon',
        version,
        description:
          'A distributed cron scheduler. Timestamps are ISO 8601 in UTC with milliseconds. Durations ' +
          'are ISO 8601 in jobs and milliseconds in results. Errors are application/problem+json with ' +
          'a code. Name the user of a request in X-Carillon-User.',
      },
      tags: [
        { name: 'jobs', description: 'Job definitions' },
        { name: 'runs', description: 'A run is one job at one due time, or triggered' },
        { name: 'history', description: 'Ledger and revisions' },
        { name: 'schedules', description: 'Due times' },
        { name: 'graph', description: 'Dependencies' },
        { name: 'statistics', description: 'Percentiles' },
        { name: 'live', description: 'Live changes' },
        { name: 'installation', description: 'Nodes and engines' },
        { name: 'node', description: 'This node' },
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
        summary: 'Read this document',
        tags: ['node'],
        operationId: 'getOpenapi',
        response: answersHere({ 200: { description: 'OpenAPI 3.1', schema: Type.Object({}) } }),
      },
    },
    async () => app.swagger(),
  );
}
