/**
 * Protects users whose browser can reach this API: sets security headers and refuses requests by pages of
 * other origins.
 */

import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { CarillonError } from '../../errors.ts';

export function protect(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store');
    // Answers a CORS preflight with the methods and without permission.
    if (request.method === 'OPTIONS') return;
    const { headers } = request;
    if (headers.origin !== undefined && hostOf(headers.origin) !== headers.host)
      throw foreign('Origin', headers.origin);
    if (isFromElsewhere(request.method, headers)) throw foreign('Sec-Fetch-Site', headers['sec-fetch-site']);
  });
}

/**
 * True for a request by a page of another origin. Such a page cannot read the response, but even a request
 * has effects: event streams take slots. Following a link to this server is allowed.
 */
function isFromElsewhere(method: string, headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== 'cross-site' && site !== 'same-site') return false;
  const follows = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return !(follows && method === 'GET');
}

function foreign(field: string, given: unknown): CarillonError {
  const value = String(given).slice(0, 200);
  const page = field === 'Origin' ? `A page from ${value}` : 'A page from another origin';
  return new CarillonError('INVALID_FIELD', `${page} may not send this request.`, {
    field,
    value,
    allowed:
      field === 'Origin' ? 'the origin of this API, or no Origin header' : 'same-origin, or following a link',
    source: 'header',
  });
}

/** `null` (a sandboxed page) and invalid values have no host. */
function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
