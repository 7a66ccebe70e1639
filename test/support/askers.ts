/** Who asks, in tests: believed without any proof. */

import type { IncomingMessage } from 'node:http';
import type { Authenticator } from '../../src/api/guard/authenticator.ts';
import type { Credentials } from '../../src/api/guard/credentials.ts';
import { newKey } from '../../src/auth/keys.ts';
import { newToken } from '../../src/auth/tokens.ts';
import { CarillonError } from '../../src/errors.ts';
import { forwardedBy } from '../../src/peers/client.ts';
import type { Asker, Binding, Principal } from '../../src/scheduler/access/principal.ts';
import type { Question } from '../../src/who-asks/question.ts';

export const principalOf = (name: string, bindings: readonly Binding[]): Principal => ({
  kind: 'token',
  name,
  id: name,
  bindings,
});

export const localAdmin: Principal = { kind: 'local', name: 'local', id: '0', bindings: [{ role: 'admin' }] };

const asker = 'x-carillon-asker';

/** By which a test says the name of the local admin. */
export const named = 'test-name';

/** Everybody is the local admin, unless the test says otherwise. Nodes believe what other nodes say. */
export const believing = (
  who: (question: Question) => Principal | Promise<Principal> = ({ headers }) => ({
    ...localAdmin,
    name: String(headers[named] ?? localAdmin.name),
  }),
): Authenticator => ({
  authenticate: async (question) => who(question),
  received: async ({ headers }) => {
    const given = headers[asker];
    if (typeof given === 'string') return JSON.parse(decodeURIComponent(given)) as Asker;
    return { principal: { ...localAdmin, kind: 'node', name: 'node' }, from: null, via: null };
  },
  refused: () => {},
  called: () => {},
  passOn: async (given) => ({ [asker]: encodeURIComponent(JSON.stringify(given)) }),
});

/** In tests, nodes and clients use one listener. */
export const isPeer = ({ headers }: IncomingMessage): boolean => headers[forwardedBy] !== undefined;

const none = async (): Promise<never> => {
  throw new CarillonError('NOT_FOUND', 'This installation has no identity provider.');
};

/** Tokens, and nobody who logs in. */
export const noCredentials = (): Credentials => ({
  newToken,
  newKey,
  options: () => ({ provider: null }),
  problem: null,
  ...{ begin: none, finish: none, beginDevice: none, finishDevice: none },
  byLink: async () => {
    throw new CarillonError('UNAUTHENTICATED', 'The link is not valid.');
  },
  byToken: async () => {
    throw new CarillonError('UNAUTHENTICATED', 'The token is not valid.');
  },
  hasSession: async () => false,
  logOut: async () => [],
});
