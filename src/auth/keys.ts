/**
 * Signs and verifies with the keys of the installation: JSON Web Tokens with HMAC and SHA-256, by `jose`. The newest key
 * signs, and all that are kept verify. What a text is for (a session, a log-in that has begun, a request of another node)
 * is its audience, so that none can be used as another.
 */

import { randomBytes, webcrypto } from 'node:crypto';
import { type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { CarillonError } from '../errors.ts';
import type { SigningKey } from '../scheduler/model/token.ts';
import type { Clock } from '../scheduler/ports.ts';

export type Audience = 'session' | 'log-in' | 'device' | 'asker';

const algorithm = 'HS256';
const issuer = 'carillon';
const keyBytes = 32;

/** The store says when it began. */
export type NewKey = Pick<SigningKey, 'id' | 'secret'>;

export const newKey = (): NewKey => ({
  id: randomBytes(6).toString('hex'),
  secret: randomBytes(keyBytes).toString('base64url'),
});

export interface KeysParts {
  readonly clock: Pick<Clock, 'now'>;
  /** Newest first. */
  readonly keys: () => readonly SigningKey[];
}

export interface Verified {
  readonly claims: JWTPayload;
  readonly keyId: string;
}

export class Keys {
  readonly #parts: KeysParts;
  readonly #imported = new Map<string, Promise<webcrypto.CryptoKey>>();

  constructor(parts: KeysParts) {
    this.#parts = parts;
  }

  /** STORE_UNAVAILABLE: the installation has no key yet. */
  async sign(audience: Audience, claims: JWTPayload, lifeMs: number): Promise<string> {
    const [key] = this.#parts.keys();
    if (key === undefined)
      throw new CarillonError(
        'STORE_UNAVAILABLE',
        'The installation has no signing key yet. The first leader makes one within seconds.',
      );
    const now = this.#seconds();
    return new SignJWT(claims)
      .setProtectedHeader({ alg: algorithm, kid: key.id })
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(Math.floor(now))
      .setExpirationTime(Math.ceil(now + lifeMs / 1_000))
      .sign(await this.#import(key));
  }

  /** Null: it is not signed by a key of this installation, is for something else, or has expired. */
  async verify(audience: Audience, text: string, toleranceMs = 0): Promise<Verified | null> {
    let keyId = '';
    try {
      const { payload } = await jwtVerify(
        text,
        ({ kid }) => {
          const key = this.#parts.keys().find(({ id }) => id === kid);
          if (key === undefined) throw new Error('unknown key');
          keyId = key.id;
          return this.#import(key);
        },
        {
          ...{ algorithms: [algorithm], issuer, audience, requiredClaims: ['exp', 'iat'] },
          currentDate: new Date(this.#parts.clock.now()),
          clockTolerance: toleranceMs / 1_000,
        },
      );
      return { claims: payload, keyId };
    } catch {
      return null;
    }
  }

  /** Whether the installation still has the key. */
  has(keyId: string): boolean {
    return this.#parts.keys().some(({ id }) => id === keyId);
  }

  #seconds(): number {
    return this.#parts.clock.now() / 1_000;
  }

  #import({ id, secret }: SigningKey): Promise<webcrypto.CryptoKey> {
    const known = this.#imported.get(id);
    if (known !== undefined) return known;
    const imported = webcrypto.subtle.importKey(
      'raw',
      Buffer.from(secret, 'base64url'),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['sign', 'verify'],
    );
    for (const other of this.#imported.keys()) if (!this.has(other)) this.#imported.delete(other);
    this.#imported.set(id, imported);
    return imported;
  }
}
