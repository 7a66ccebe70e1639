/**
 * The API of Chronos, in both generations: `/v1/scheduler` as in 3.x and `/scheduler` as in 2.x. Any node
 * answers. The rest of the API does not know this one.
 */

import type { FastifyInstance } from 'fastify';
import type { Generation } from '../../scheduler/chronos/job.ts';
import type { Log } from '../../scheduler/ports.ts';
import type { ApiContext } from '../context.ts';
import { limitReads } from '../guard/reads.ts';
import { forwardToLeader } from '../peers/forward.ts';
import { readAnyBody } from './body.ts';
import { answerErrors } from './errors.ts';
import { chronosJobRoutes } from './jobs.ts';
import { chronosReportRoutes } from './reports.ts';
import type { ChronosContext } from './submit.ts';
import { chronosTaskRoutes } from './tasks.ts';

const prefixes: Readonly<Record<Generation, string>> = { 2: '/scheduler', 3: '/v1/scheduler' };

/**
 * Normalizes an address: clients append a slash, or join a base that ends in a slash with a path. Chronos
 * accepted the former. Other addresses stay as they are.
 */
export function meantAddress(url: string): string {
  if (!/^\/+(v1\/+)?scheduler\//.test(url)) return url;
  const [, path = '', query = ''] = /^([^?]*)(.*)$/s.exec(url) ?? [];
  return path.replaceAll(/\/{2,}/g, '/').replace(/\/$/, '') + query;
}

const routes = [chronosJobRoutes, chronosTaskRoutes, chronosReportRoutes];

export function chronosApi(app: FastifyInstance, context: ApiContext, log: Log): void {
  for (const generation of [2, 3] as const) {
    app.register(
      async (api) => {
        const own: ChronosContext = { ...context, log, generation };
        answerErrors(api, log, generation);
        readAnyBody(api);
        // Clients send parameters that no version had, so unknown ones are accepted. docs/chronos.md
        // describes the responses.
        api.addHook('onRoute', (route) => {
          route.schema = { ...route.schema, hide: true, querystring: {} };
        });
        api.setValidatorCompiler(() => () => true);
        forwardToLeader(api, context);
        limitReads(api, context.reads);
        for (const add of routes) add(api, own);
      },
      { prefix: prefixes[generation] },
    );
  }
}
