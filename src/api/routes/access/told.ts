/** Internal route: other nodes tell the leader what happened there, for the audit. Not for clients. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { NotedLine } from '../../../scheduler/command.ts';
import { submitTold } from '../../../scheduler/told.ts';
import type { ApiContext } from '../../context.ts';
import { askerIn } from '../../guard/needs.ts';

/** A hundred lines and a thousand uses. */
const bodyLimit = 1024 * 1024;

/** The rest is the sender's, which is of the same version. */
const Told = Type.Object(
  {
    lines: Type.Array(Type.Record(Type.String(), Type.Unknown())),
    uses: Type.Array(Type.Object({ id: Type.String(), at: Type.Number(), from: Type.String() })),
    ends: Type.Array(Type.Object({ id: Type.String(), by: Type.String() })),
  },
  { additionalProperties: false },
);

export function toldRoute(app: FastifyInstance, { whole: scheduler }: ApiContext): void {
  app.post<{ Body: Static<typeof Told> }>(
    '/access',
    { config: { needs: 'node', audited: 'lines' }, bodyLimit, schema: { hide: true, body: Told } },
    async (request) => {
      const { lines, uses, ends } = request.body;
      const by = askerIn(request).principal.name;
      const noted = (lines as unknown as readonly NotedLine[]).map((line) => ({ ...line, via: by }));
      await submitTold(scheduler, { lines: noted, uses, ends }, by);
      return {};
    },
  );
}
