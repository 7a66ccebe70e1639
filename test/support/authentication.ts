/** What proves who asks, with a store in memory, behind a small server. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authentication, type AuthenticationParts } from '../../src/auth/authentication.ts';
import { newToken } from '../../src/auth/tokens.ts';
import { CarillonError } from '../../src/errors.ts';
import { realClock } from '../../src/node/clock.ts';
import type { SigningKey, Token } from '../../src/scheduler/model/token.ts';
import type { Told } from '../../src/scheduler/told.ts';
import type { Question } from '../../src/who-asks/question.ts';

export const silent = { info() {}, warn() {}, error() {}, debug() {} };

export const keyOf = (id: string): SigningKey => ({
  id,
  secret: Buffer.from(id.padEnd(32, '.')).toString('base64url'),
  createdAt: 0,
});

/** Tokens, keys and ends of sessions, as a test sets them. */
export class KnownAccess {
  readonly tokens = new Map<string, Token>();
  keys: SigningKey[] = [keyOf('first')];
  readonly ends = new Map<string, number>();

  token(id: string): Token | undefined {
    return this.tokens.get(id);
  }

  signingKeys(): readonly SigningKey[] {
    return this.keys;
  }

  sessionsEndedAt(id: string): number {
    return Math.max(...['*', id].map((each) => this.ends.get(each) ?? Number.NEGATIVE_INFINITY));
  }

  /** Adds a token and returns its text. */
  add(more: Partial<Token> = {}): string {
    const { id, text, sha256 } = newToken();
    const rest = { createdAt: 0, createdBy: 'ann', expiresAt: null, usedAt: null, usedFrom: null };
    this.tokens.set(id, {
      id,
      name: `token ${id}`,
      sha256,
      bindings: [{ role: 'viewer' }],
      ...rest,
      ...more,
    });
    return text;
  }
}

export interface AuthWorld {
  readonly authentication: Authentication;
  readonly known: KnownAccess;
  readonly told: Told[];
  readonly dir: string;
  close(): Promise<void>;
}

export async function authWorld(more: Partial<AuthenticationParts> = {}): Promise<AuthWorld> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-auth-'));
  const known = new KnownAccess();
  const told: Told[] = [];
  const authentication = new Authentication({
    ...{ clock: realClock, log: silent, self: 'node-1', known, names: ['127.0.0.1'], authFile: null },
    stateDir: join(dir, 'state'),
    tell: async (each) => void told.push(each),
    ...more,
  });
  await authentication.open();
  await authentication.listening(4_400);
  const close = async () => {
    await authentication.stop();
    rmSync(dir, { recursive: true });
  };
  return { authentication, known, told, dir, close };
}

export const questionOf = ({ headers, socket, method = 'GET', url = '/' }: IncomingMessage): Question => ({
  ...{ headers, socket, method, path: url, isPeer: false },
});

/** A question that comes from no connection. */
export const question = (
  headers: Record<string, string>,
  more: Partial<Omit<Question, 'socket'>> & { readonly from?: string } = {},
): Question => {
  const { from = '192.0.2.7', ...rest } = more;
  const socket = { remoteAddress: from, remotePort: 40_000, localAddress: '192.0.2.1', localPort: 4_400 };
  return { headers, method: 'GET', path: '/api/v1/jobs', isPeer: false, ...rest, socket: socket as never };
};

/** Serves `answer`; errors of the catalogue become their status and message. */
export async function serving(
  host: string,
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const { status, message } =
        error instanceof CarillonError ? error : { status: 500, message: String(error) };
      response.writeHead(status).end(message);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port: (server.address() as AddressInfo).port, close };
}
