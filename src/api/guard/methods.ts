/**
 * Addresses that are there, asked by a method that they do not have: 405 and which they have. OPTIONS asks for
 * just that. Decided before a body is read or anything is passed on to another node.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import findMyWay, { type HTTPMethod } from 'find-my-way';
import { CarillonError } from '../../errors.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH'] as const satisfies HTTPMethod[];

/** Chronos' clients were told of GET alone; HEAD is answered all the same. */
const withoutHead = /^\/(?:v1\/)?scheduler\//;

/** Before any route is added. `isPage`: GET at an address without a route is a file or a page of the web app. */
export function refuseOtherMethods(
  app: FastifyInstance,
  isPage: (request: FastifyRequest) => boolean,
  maxParamLength: number,
): void {
  // The framework's own router answers only for the method that it is asked for.
  const router = findMyWay({ maxParamLength });
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) router.on(each as HTTPMethod, url, () => {});
  });
  app.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return;
    const allowed = methodsAt(request);
    if (allowed.length === 0) return;
    reply.header('allow', allowed.join(', '));
    if (request.method === 'OPTIONS') return reply.code(200).send();
    if (!(allowed as readonly string[]).includes(request.method)) throw notAllowed(request, allowed);
  });

  function methodsAt(request: FastifyRequest): (typeof methods)[number][] {
    const path = request.url.split('?', 1)[0] as string;
    const found = methods.filter((method) => router.find(method, path) !== null);
    if (found.length === 0 && isPage(request)) return ['GET', 'HEAD'];
    return withoutHead.test(path) ? found.filter((method) => method !== 'HEAD') : found;
  }
}

function notAllowed({ method, url }: FastifyRequest, allowed: readonly string[]): CarillonError {
  const path = url.split('?', 1)[0]!.slice(0, 200);
  return new CarillonError(
    'METHOD_NOT_ALLOWED',
    `${method} is not for ${path}. Allowed: ${allowed.join(', ')}.`,
    { field: 'method', value: method, allowed, source: 'method' },
  );
}
