/** The engines and the nodes. */

import type { FastifyInstance } from 'fastify';
import type { ApiContext } from '../context.ts';
import { answers } from '../endpoint.ts';
import { WireCluster, WireEngineList } from '../schema-views.ts';
import { ref } from '../shape.ts';

const tags = ['installation'];

export function installationRoutes(app: FastifyInstance, { scheduler, node }: ApiContext): void {
  app.get(
    '/engines',
    {
      schema: {
        summary: 'What can launch jobs here',
        tags,
        operationId: 'listEngines',
        response: answers({ 200: { description: 'The engines', schema: ref(WireEngineList) } }),
      },
    },
    async () => {
      const engines = await scheduler.engines();
      return { items: engines.map((engine) => ({ ...engine })), next: null };
    },
  );

  app.get(
    '/cluster',
    {
      schema: {
        summary: 'The schedulers, and which of them leads',
        tags,
        operationId: 'getCluster',
        response: answers({ 200: { description: 'The nodes', schema: ref(WireCluster) } }),
      },
    },
    async () => {
      const { term, leading } = scheduler.leadership();
      const { version, ...here } = node;
      const role = leading ? 'leader' : 'follower';
      return {
        leader: leading ? here : null,
        term,
        members: [{ ...here, version, role, lagMs: leading ? 0 : null }],
      };
    },
  );
}
