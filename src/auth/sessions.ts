/**
 * Sessions of people and of the browser on this host. A session is a signed text that the browser keeps in a cookie, and
 * the command line in a file; the store only has when sessions were ended. What a person may do is not in it, but follows
 * from the file of people at each request.
 */

import { createHash, randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../scheduler/ports.ts';
import type { Keys } from './keys.ts';
import { Recent } from './recent.ts';

/** Somebody who logged in. */
export interface Person {
  readonly kind: 'person' | 'local' | 'token';
  readonly name: string;
  /** Subject of the identity provider, or id of the token. */
  readonly id: string;
  /** Groups that the file of people named at the log-in. */
  readonly groups: readonly string[];
}

export interface Session extends Person {
  /** Of this session alone. */
  readonly session: string;
  readonly beganAt: number;
  readonly expiresAt: number;
}

export const sessionMs = 8 * 60 * 60_000;
/** Verified ones that are remembered. */
const remembered = 10_000;

export interface SessionsParts {
  readonly clock: Pick<Clock, 'now'>;
  readonly keys: Keys;
  /** Sessions that began before then are ended: of a person by id, or one by its own id. */
  readonly endedAt: (id: string) => number;
}

export class Sessions {
  readonly #parts: SessionsParts;
  /** By hash, so that no comparison of texts tells a part of one. */
  readonly #verified = new Recent<{ readonly session: Session; readonly keyId: string }>(remembered);

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  /** A new session at each log-in: nobody can fix its text beforehand. */
  async begin({ kind, id, name, groups }: Person): Promise<string> {
    const claims = {
      kind,
      sub: id,
      name,
      groups: [...groups],
      jti: randomUUID(),
      began: this.#parts.clock.now(),
    };
    return this.#parts.keys.sign('session', claims, sessionMs);
  }

  /** Null: it is not a session, has expired or was ended. */
  async sessionIn(text: string): Promise<Session | null> {
    const { clock, keys, endedAt } = this.#parts;
    const hash = createHash('sha256').update(text).digest('base64');
    let known = this.#verified.get(hash);
    if (known === undefined) {
      const verified = await keys.verify('session', text);
      const session = verified === null ? null : sessionOf(verified.claims);
      if (verified === null || session === null) return null;
      known = { session, keyId: verified.keyId };
      this.#verified.set(hash, known);
    }
    const { session, keyId } = known;
    const ends = [session.id, session.session].map(endedAt);
    const isOver = session.expiresAt <= clock.now() || ends.some((end) => session.beganAt < end);
    return isOver || !keys.has(keyId) ? null : session;
  }
}

function sessionOf(claims: Readonly<Record<string, unknown>>): Session | null {
  const { kind, sub, name, groups, jti, began, exp } = claims;
  const fits =
    (kind === 'person' || kind === 'local' || kind === 'token') &&
    [sub, name, jti].every((text) => typeof text === 'string') &&
    Array.isArray(groups) &&
    typeof began === 'number' &&
    typeof exp === 'number';
  if (!fits) return null;
  return {
    ...{ kind, id: String(sub), name: String(name), groups: groups.map(String) },
    ...{ session: String(jti), beganAt: began, expiresAt: exp * 1_000 },
  };
}

/** With the prefix, browsers take the cookie over HTTPS from this host alone, and not from its subdomains. */
export const cookieName = (isSecure: boolean): string => (isSecure ? '__Host-carillon' : 'carillon');
/** The state of a log-in that has begun. */
export const logInCookieName = (isSecure: boolean): string =>
  isSecure ? '__Host-carillon-login' : 'carillon-login';

/**
 * `Lax`, because the return from the identity provider is a link from another site, which must carry the state of the
 * log-in, and the first page after it the session. Requests that change something are refused from other sites anyway.
 */
export function cookieOf(name: string, value: string, lifeMs: number, isSecure: boolean): string {
  const secure = isSecure ? '; Secure' : '';
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${Math.round(lifeMs / 1_000)}${secure}`;
}

/** The first cookie of the name. Values here have no characters that need quotes. */
export function cookieIn({ cookie = '' }: IncomingHttpHeaders, name: string): string | null {
  for (const part of cookie.split(';')) {
    const [key = '', ...value] = part.split('=');
    if (key.trim() === name) return value.join('=').trim();
  }
  return null;
}
