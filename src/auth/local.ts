/**
 * Trusts connections of the server's own system user, and of root, without a log-in. Whatever passes requests of others
 * on must not get this trust: a request counts as local only if it comes straight from a program of this host.
 */

import { userInfo } from 'node:os';
import type { Principal } from '../scheduler/access/principal.ts';
import { isLoopbackHost } from '../who-asks/loopback.ts';
import type { Question } from '../who-asks/question.ts';
import { ConnectionTable, type Owners } from './connections.ts';
import { isLoopbackAddress } from './question.ts';

export interface LocalParts {
  /** Host names of this server. With another one than a loopback name, something in front of it may speak for others. */
  readonly names: readonly string[];
  /** Default: the tables of this system. */
  readonly owners?: Owners;
}

/** Headers that proxies add. */
const ofProxies = ['forwarded', 'via', 'x-real-ip'] as const;
/** The system writes this user for all that it does not know here, such as those of other containers. */
const unknownUser = 65_534;

export class LocalTrust {
  /** Whether this system tells who owns a connection, and nothing stands in front of the server. */
  readonly isPossible: boolean;
  readonly #owners: Owners;
  readonly #user = process.getuid?.() ?? null;
  readonly #known = new WeakMap<object, Promise<Principal | null>>();

  constructor({ names, owners = new ConnectionTable() }: LocalParts) {
    this.isPossible =
      process.platform === 'linux' &&
      this.#user !== unknownUser &&
      names.every((name) => isLoopbackHost(name));
    this.#owners = owners;
  }

  /** Null: it is not local, or this cannot be told. */
  principalOf({ headers, socket }: Question): Promise<Principal | null> | null {
    if (
      !this.isPossible ||
      !isLoopbackAddress(socket.remoteAddress) ||
      !isLoopbackAddress(socket.localAddress)
    )
      return null;
    if (!isLoopbackHost(headers.host) || isPassedOn(headers)) return null;
    let principal = this.#known.get(socket);
    if (principal === undefined) {
      principal = this.#ask(socket);
      this.#known.set(socket, principal);
    }
    return principal;
  }

  async #ask(socket: Question['socket']): Promise<Principal | null> {
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    if (remoteAddress === undefined || remotePort === undefined) return null;
    if (localAddress === undefined || localPort === undefined) return null;
    const owner = await this.#owners.ownerOf(
      { address: remoteAddress, port: remotePort },
      { address: localAddress, port: localPort },
    );
    if (owner === null || !isConnected(socket)) return null;
    return owner === 0 || owner === this.#user ? localPrincipal(owner) : null;
  }
}

/**
 * Asked of the system, after its tables: somebody may send a request and reset the connection, so that the next one from
 * the same port is in the tables, perhaps of another user, before this process is told of the end. While this one is
 * there, no other has its ports.
 */
function isConnected(socket: object): boolean {
  const { _handle: handle } = socket as { readonly _handle?: { getpeername?(found: object): number } | null };
  return handle?.getpeername?.({}) === 0;
}

/** Administrators of this host, who could read and change everything anyway. */
export const localBindings = Object.freeze([Object.freeze({ role: 'admin' as const })]);

export const localPrincipal = (user: number): Principal => ({
  kind: 'local',
  name: user === 0 ? 'root' : ownName(),
  id: String(user),
  bindings: localBindings,
});

function isPassedOn(headers: Question['headers']): boolean {
  if (ofProxies.some((name) => headers[name] !== undefined)) return true;
  for (const name in headers) if (name.startsWith('x-forwarded-')) return true;
  return false;
}

/** The numeric id of a user without an account on this system, which is common in containers. */
function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
