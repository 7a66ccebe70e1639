/** What the tests of the Chronos API ask with. */

import { ApiWorld } from '../../support/api-world.ts';

/** The addresses of 3.x and of 2.x. */
export const three = '//v1/scheduler';
export const two = '//scheduler';
export const nightly = { name: 'nightly', command: 'echo hi', schedule: 'R/2026-12-01T02:00:00Z/PT24H' };

export const json = { 'content-type': 'application/json' };

/** A server of its own, at noon of a day; `ask` sends a request like `GET //v1/scheduler/jobs` to it. */
export async function chronosWorld() {
  const api = await ApiWorld.at('2026-11-21T12:00:00.000Z');
  const ask = (request: string, body?: unknown, headers: Record<string, string> = json) =>
    api.send(request, { ...(body !== undefined && { body }), headers: body === undefined ? {} : headers });
  return { api, ask };
}
