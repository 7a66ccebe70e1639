/** What protects people whose browser can reach this API: headers, and no changes on behalf of foreign pages. */

import type { FastifyInstance } from 'fastify';
import { CarillonError } from '../errors.ts';

const readOnly = new Set(['GET', 'HEAD', 'OPTIONS']);

export function protect(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store');
    if (readOnly.has(request.method)) return;
    const { origin, host } = request.headers;
    if (origin !== undefined && hostOf(origin) !== host) {
      throw new CarillonError(
        'INVALID_FIELD',
        `A page of ${origin.slice(0, 200)} may not change anything here.`,
        {
          field: 'Origin',
          value: origin.slice(0, 200),
          allowed: 'the address of this API, or no Origin',
          source: 'header',
        },
      );
    }
  });
}

/** `null` (a sandboxed page) and nonsense have none. */
function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
