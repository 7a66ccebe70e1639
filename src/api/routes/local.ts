/**
 * Internal routes: the leader uses engines that only this node reaches. Not for clients, so they are outside
 * `/api/v1` and its OpenAPI document.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type { ApiContext } from '../context.ts';
import { askerIn } from '../guard/needs.ts';

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

const reads = { needs: 'node', audited: 'nothing' } as const;
const changes = { needs: 'node', audited: 'summed' } as const;

export function localRoutes(app: FastifyInstance, context: ApiContext): void {
  const { whole: scheduler } = context;
  app.get<{ Params: Engine }>(
    '/engines/:engine/inventory',
    { config: reads, schema: { hide: true } },
    async (request) => scheduler.local(request.params.engine).inventory(),
  );

  app.post<{ Params: Engine; Body: Static<typeof Changes> }>(
    '/engines/:engine/changes',
    { config: reads, bodyLimit, schema: { hide: true, body: Changes } },
    async (request) => {
      const { term, after } = request.body;
      return scheduler.local(request.params.engine).changes(term, after ?? null);
    },
  );

  app.post<{ Params: Engine; Body: Static<typeof LaunchFor> }>(
    '/engines/:engine/launch',
    { config: changes, bodyLimit: launchLimit, schema: { hide: true, body: LaunchFor } },
    changing(context, 'engine-launch', (engine, { spec, ticket, ...checked }) =>
      engine.launchFor({ ...spec, ...checked } as unknown as LaunchSpec, ticket),
    ),
  );

  app.post<{ Params: Engine; Body: Static<typeof Kill> }>(
    '/engines/:engine/kill',
    { config: changes, bodyLimit, schema: { hide: true, body: Kill } },
    changing(context, 'engine-kill', (engine, { launchName, graceMs }) => engine.kill(launchName, graceMs)),
  );

  app.post<{ Params: Engine; Body: Static<typeof Launch> }>(
    '/engines/:engine/take-back',
    { config: changes, bodyLimit, schema: { hide: true, body: Launch } },
    changing(context, 'engine-take-back', (engine, { launchName }) => engine.takeBack(launchName)),
  );

  app.post<{ Params: Engine; Body: Static<typeof Launch> }>(
    '/engines/:engine/remove',
    { config: changes, bodyLimit, schema: { hide: true, body: Launch } },
    changing(context, 'engine-remove', (engine, { launchName }) => engine.remove(launchName)),
  );
}

type LocalEngine = ReturnType<ApiContext['whole']['local']>;

/** Answers a request that changes something, and notes it for the audit, under the term that the sender or this node knows. */
function changing<B extends { readonly launchName: string; readonly term?: number }>(
  { whole: scheduler, authenticator }: ApiContext,
  action: string,
  change: (engine: LocalEngine, body: B) => Promise<void>,
) {
  return async (request: FastifyRequest<{ Params: Engine; Body: B }>, reply: FastifyReply) => {
    const { body, params } = request;
    const engine = scheduler.local(params.engine);
    let failed = true;
    try {
      await change(engine, body as B);
      failed = false;
    } finally {
      const { launchName, term = scheduler.cluster().term } = body as B;
      const asker = { ...askerIn(request), from: request.ip };
      authenticator.called(asker, { action, engine: params.engine, launchName, term, failed });
    }
    return reply.code(204).send();
  };
}
