/**
 * Who may use which route. Every route declares what it needs, in its `config`; the OpenAPI document shows it, and an app
 * with a route that does not is not built. Decided before a body is read and before a request is forwarded.
 *
 * This is the coarse check: a principal passes if it has the permission for at least some jobs. What it sees and changes
 * of each job is decided by the handle of `context.as(request)`.
 */

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CarillonError, invariant } from '../../errors.ts';
import { accessOf } from '../../scheduler/access/access.ts';
import { forbidden } from '../../scheduler/access/forbidden.ts';
import type { Asker, Permission, Principal } from '../../scheduler/access/principal.ts';
import type { Question } from '../../who-asks/question.ts';
import { nothingHere } from '../wire/error-map.ts';
import type { Authenticator } from './authenticator.ts';

/** `nothing`: anybody may. `login`: whoever is known. `node`: other nodes of the installation. */
export type Needs = Permission | 'nothing' | 'login' | 'node';

/**
 * How the audit has what another node changes by a route for nodes. `nothing`: it changes nothing. `summed`: by a sum of calls.
 * `lines`: each thing that it changes has a line.
 */
export type Audited = 'nothing' | 'summed' | 'lines';

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly needs?: Needs;
    /** Only with `node`, and always. */
    readonly audited?: Audited;
    /** It needs the permission for everything, not only for some jobs. */
    readonly ofAll?: boolean;
  }

  interface FastifyRequest {
    /** Who asks. Null where nothing is needed. */
    asker: Asker | null;
    /** It came in at the listener for other nodes. */
    isPeer: boolean;
  }
}

/** Options of routes that have no others. */
export const reads = { config: { needs: 'read' } } as const;
export const operates = { config: { needs: 'operate' } } as const;
export const edits = { config: { needs: 'edit' } } as const;

/** What is only given for everything: none of it is about a job. */
const wholly: ReadonlySet<Needs> = new Set(['admin']);

export interface AskerParts {
  readonly authenticator: Authenticator;
  /** Whether a request came in at the listener for other nodes. */
  readonly isPeer: (raw: IncomingMessage) => boolean;
}

/** Call it before any route is added. */
export function requireNeeds(app: FastifyInstance, { authenticator, isPeer }: AskerParts): void {
  app.decorateRequest('asker', null);
  app.decorateRequest('isPeer', false);
  app.addHook('onRoute', ({ method, url, config }) => {
    invariant(config?.needs !== undefined, `The route ${method} ${url} does not declare what it needs.`);
    const isMissing = config.needs === 'node' && config.audited === undefined;
    invariant(!isMissing, `The route ${method} ${url} does not declare how the audit has what it changes.`);
  });
  app.addHook('onRequest', async (request) => {
    const { needs = 'nothing', ofAll = false } = request.routeOptions.config;
    request.isPeer = isPeer(request.raw);
    if (needs === 'nothing') return;
    // For clients there is nothing there.
    if (needs === 'node' && !request.isPeer) throw nothingHere(request);
    request.asker = await askerOf(authenticator, request);
    try {
      check(request.asker.principal, needs, ofAll || wholly.has(needs));
    } catch (error) {
      if (error instanceof CarillonError) authenticator.refused(request.asker, questionOf(request), error);
      throw error;
    }
  });
}

async function askerOf(authenticator: Authenticator, request: FastifyRequest): Promise<Asker> {
  const question = questionOf(request);
  if (question.isPeer) return authenticator.received(question);
  return { principal: await authenticator.authenticate(question), from: request.ip, via: null };
}

/** What is asked of credentials about a request. */
export function questionOf({ raw, headers, isPeer }: FastifyRequest): Question {
  const { method = 'GET', url: path = '/', socket } = raw;
  return { headers, socket, method, path, isPeer };
}

/** FORBIDDEN. */
function check(principal: Principal, needs: Exclude<Needs, 'nothing'>, ofAll: boolean): void {
  if (needs === 'login') return;
  if (needs === 'node') {
    if (principal.kind === 'node') return;
    throw new CarillonError('FORBIDDEN', 'Only other nodes of the installation may do this.');
  }
  const access = accessOf(principal.bindings);
  if (ofAll ? access.mayAll(needs) : access.maySome(needs)) return;
  throw forbidden(needs, ofAll ? 'everything' : 'some');
}

/** Who asks, where something is needed. */
export function askerIn({ asker }: FastifyRequest): Asker {
  invariant(asker !== null, 'The route needs nothing, so nobody is known.');
  return asker;
}
