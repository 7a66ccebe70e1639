/**
 * Answers 405 with the allowed methods if an address exists but not for the method. OPTIONS lists the
 * methods. Decided before a body is read and before anything is forwarded to another node.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import findMyWay, { type HTTPMethod } from 'find-my-way';
import { CarillonError } from '../../errors.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH'] as const satisfies HTTPMethod[];

const readMethods = new Set(['GET', 'HEAD']);
export const isRead = ({ method }: FastifyRequest): boolean => readMethods.has(method);

/** Chronos advertised only GET here, although HEAD works too. */
const withoutHead = /^\/(?:v1\/)?scheduler\//;

/**
 * Call it before any route is added. `isPage`: GET at an address without a route returns a file or a page of
 * the web app.
 */
export function refuseOtherMethods(
  app: FastifyInstance,
  isPage: (request: FastifyRequest) => boolean,
  maxParamLength: number,
): void {
  // The framework's router can only look up one method at a time.
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
    `Method ${method} is not allowed for ${path}. Allowed: ${allowed.join(', ')}.`,
    { field: 'method', value: method, allowed, source: 'method' },
  );
}
