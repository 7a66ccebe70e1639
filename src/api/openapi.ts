/** The OpenAPI document, generated from the schemas that the routes are checked with. */

import swagger from '@fastify/swagger';
import type { FastifyContextConfig, FastifyInstance, FastifySchema } from 'fastify';
import { Type } from 'typebox';
import { publish } from '../scheduler/job/schema/published.ts';
import { answersHere, type Response, refusing } from './endpoint.ts';
import { components } from './wire/components.ts';

const securitySchemes = {
  token: { type: 'http', scheme: 'bearer', description: 'An API token.' },
  basic: {
    type: 'http',
    scheme: 'basic',
    description: 'The name of an API token, and the token as the password.',
  },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'carillon',
    description: 'Of a person who has logged in.',
  },
} as const;

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
          'a code. x-carillon-needs is the permission that a route or a field needs.',
      },
      components: { securitySchemes },
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
    transform: ({ schema, url, route }) => ({
      schema: withNeeds(publish(schema) as FastifySchema, route.config ?? {}),
      url,
    }),
    // Components keep their names instead of numbers.
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `unnamed-${index}`),
    },
  });
}

/** Adds what a route needs, and how it refuses whoever lacks that. */
function withNeeds(schema: FastifySchema, { needs }: FastifyContextConfig): FastifySchema {
  if (needs === 'nothing') return { ...schema, 'x-carillon-needs': needs, security: [] } as FastifySchema;
  const response = refusing((schema.response ?? {}) as Record<string, Response>, [
    'UNAUTHENTICATED',
    'FORBIDDEN',
    'TOO_MANY_ATTEMPTS',
  ]);
  const security = Object.keys(securitySchemes).map((name) => ({ [name]: [] }));
  return { ...schema, response, 'x-carillon-needs': needs, security } as FastifySchema;
}

export function openapiRoute(app: FastifyInstance): void {
  app.get(
    '/openapi.json',
    {
      config: { needs: 'login' },
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
