/**
 * Internal routes: the leader uses engines that only this node reaches. Not for clients, so they are outside
 * `/api/v1` and its OpenAPI document.
 */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type { ApiContext } from '../context.ts';

/** The body is a name and a number. */
const bodyLimit = 4_096;
/** Longer than any grace that a job can set. */
const maxGraceMs = 7 * 24 * 3_600_000;

const launchName = Type.String({ minLength: 1, maxLength: 128 });
const Kill = Type.Object(
  { launchName, graceMs: Type.Integer({ minimum: 0, maximum: maxGraceMs }) },
  { additionalProperties: false },
);
const Launch = Type.Object({ launchName }, { additionalProperties: false });

/** A definition, its parameters and its environment, several times over. */
const launchLimit = 4 * 1024 * 1024;
const Ticket = Type.Object({ boot: Type.Number(), at: Type.Number(), seq: Type.Integer({ minimum: 0 }) });
const Changes = Type.Object(
  { term: Type.Integer({ minimum: 0 }), after: Type.Optional(Ticket) },
  { additionalProperties: false },
);
/** The rest of the spec is the sender's, which is of the same version. */
const LaunchFor = Type.Object(
  {
    launchName: Type.String({ pattern: '^[a-z0-9-]{1,63}$' }),
    installation: Type.String(),
    term: Type.Integer({ minimum: 0 }),
    spec: Type.Record(Type.String(), Type.Unknown()),
    ticket: Ticket,
  },
  { additionalProperties: false },
);

type Engine = { engine: string };

const config = { needs: 'node' } as const;

export function localRoutes(app: FastifyInstance, { whole: scheduler }: ApiContext): void {
  app.get<{ Params: Engine }>(
    '/engines/:engine/inventory',
    { config, schema: { hide: true } },
    async (request) => scheduler.local(request.params.engine).inventory(),
  );

  app.post<{ Params: Engine; Body: Static<typeof Changes> }>(
    '/engines/:engine/changes',
    { config, bodyLimit, schema: { hide: true, body: Changes } },
    async (request) => {
      const { term, after } = request.body;
      return scheduler.local(request.params.engine).changes(term, after ?? null);
    },
  );

  app.post<{ Params: Engine; Body: Static<typeof LaunchFor> }>(
    '/engines/:engine/launch',
    { config, bodyLimit: launchLimit, schema: { hide: true, body: LaunchFor } },
    async (request, reply) => {
      const { spec, ticket, ...checked } = request.body;
      await scheduler
        .local(request.params.engine)
        .launchFor({ ...spec, ...checked } as unknown as LaunchSpec, ticket);
      return reply.code(204).send();
    },
  );

  app.post<{ Params: Engine; Body: Static<typeof Kill> }>(
    '/engines/:engine/kill',
    { config, bodyLimit, schema: { hide: true, body: Kill } },
    async (request, reply) => {
      const { launchName, graceMs } = request.body;
      await scheduler.local(request.params.engine).kill(launchName, graceMs);
      return reply.code(204).send();
    },
  );

  app.post<{ Params: Engine; Body: Static<typeof Launch> }>(
    '/engines/:engine/take-back',
    { config, bodyLimit, schema: { hide: true, body: Launch } },
    async (request, reply) => {
      await scheduler.local(request.params.engine).takeBack(request.body.launchName);
      return reply.code(204).send();
    },
  );

  app.post<{ Params: Engine; Body: Static<typeof Launch> }>(
    '/engines/:engine/remove',
    { config, bodyLimit, schema: { hide: true, body: Launch } },
    async (request, reply) => {
      await scheduler.local(request.params.engine).remove(request.body.launchName);
      return reply.code(204).send();
    },
  );
}
