/** All routes of an app, also those that the OpenAPI document leaves out. */

import type { FastifyInstance } from 'fastify';

export interface Route {
  readonly method: string;
  /** With parameters as `{name}`. */
  readonly path: string;
}

/** The app prints its routes as a tree; each line has the piece of the path and its methods. */
export function routesOf(app: FastifyInstance): Route[] {
  const routes: Route[] = [];
  const prefixes: string[] = [];
  for (const line of app.printRoutes({ commonPrefix: false }).trim().split('\n')) {
    const [, indent, piece, methods] = /^([│├└─ ]*)(\S*)(?: \(([A-Z, ]+)\))?$/.exec(line)!;
    const depth = indent!.length / 4;
    prefixes.length = Math.max(0, depth - 1);
    prefixes.push(piece!);
    const path = prefixes.join('').replaceAll(/:(\w+)/g, '{$1}');
    for (const method of methods?.split(', ') ?? []) routes.push({ method, path });
  }
  return routes;
}
