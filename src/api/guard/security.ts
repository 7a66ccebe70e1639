/** What protects people whose browser can reach this API: headers, and nothing on behalf of foreign pages. */

import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { CarillonError } from '../../errors.ts';

export function protect(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store');
    // A browser that asks in advance learns the methods, and of no permission.
    if (request.method === 'OPTIONS') return;
    const { headers } = request;
    if (headers.origin !== undefined && hostOf(headers.origin) !== headers.host)
      throw foreign('Origin', headers.origin);
    if (isFromElsewhere(request.method, headers)) throw foreign('Sec-Fetch-Site', headers['sec-fetch-site']);
  });
}

/**
 * Asked for by a page of another origin. What it can't read it could still have asked for: streams of events
 * take places. Following a link to here is none of that.
 */
function isFromElsewhere(method: string, headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== 'cross-site' && site !== 'same-site') return false;
  const follows = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return !(follows && method === 'GET');
}

function foreign(field: string, given: unknown): CarillonError {
  const value = String(given).slice(0, 200);
  const page = field === 'Origin' ? `A page of ${value}` : 'A page of another origin';
  return new CarillonError('INVALID_FIELD', `${page} may not ask for or change anything here.`, {
    field,
    value,
    allowed:
      field === 'Origin' ? 'the address of this API, or no Origin' : 'same-origin, or following a link',
    source: 'header',
  });
}

/** `null` (a sandboxed page) and nonsense have none. */
function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
