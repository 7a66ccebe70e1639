/**
 * Internal routes: the leader uses engines that only this node reaches. Not for clients, so they are outside
 * `/api/v1` and its OpenAPI document.
 */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
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

type Engine = { engine: string };

export function localRoutes(app: FastifyInstance, { scheduler }: ApiContext): void {
  app.get<{ Params: Engine }>('/engines/:engine/inventory', { schema: { hide: true } }, async (request) =>
    scheduler.local(request.params.engine).inventory(),
  );

  app.post<{ Params: Engine; Body: Static<typeof Kill> }>(
    '/engines/:engine/kill',
    { bodyLimit, schema: { hide: true, body: Kill } },
    async (request, reply) => {
      const { launchName, graceMs } = request.body;
      await scheduler.local(request.params.engine).kill(launchName, graceMs);
      return reply.code(204).send();
    },
  );

  app.post<{ Params: Engine; Body: Static<typeof Launch> }>(
    '/engines/:engine/take-back',
    { bodyLimit, schema: { hide: true, body: Launch } },
    async (request, reply) => {
      await scheduler.local(request.params.engine).takeBack(request.body.launchName);
      return reply.code(204).send();
    },
  );

  app.post<{ Params: Engine; Body: Static<typeof Launch> }>(
    '/engines/:engine/remove',
    { bodyLimit, schema: { hide: true, body: Launch } },
    async (request, reply) => {
      await scheduler.local(request.params.engine).remove(request.body.launchName);
      return reply.code(204).send();
    },
  );
}
