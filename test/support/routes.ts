/** All routes of an app, also those that the OpenAPI document leaves out. */

import { subscribe } from 'node:diagnostics_channel';
import type { FastifyInstance } from 'fastify';
import type { Audited, Needs } from '../../src/api/guard/needs.ts';

export interface Route {
  readonly method: string;
  /** With parameters as `{name}`. */
  readonly path: string;
  readonly needs: Needs | undefined;
  readonly audited: Audited | undefined;
}

const known = new WeakMap<FastifyInstance, Route[]>();

// The framework tells of each app before it has a route.
subscribe('fastify.initialization', (message) => {
  const { fastify: app } = message as { readonly fastify: FastifyInstance };
  const routes: Route[] = [];
  known.set(app, routes);
  app.addHook('onRoute', ({ method, url, config }) => {
    const path = url.replaceAll(/:(\w+)/g, '{$1}');
    for (const each of [method].flat())
      routes.push({ method: each, path, needs: config?.needs, audited: config?.audited });
  });
});

/** In the order in which it got them. */
export const routesOf = (app: FastifyInstance): readonly Route[] => known.get(app) ?? [];
