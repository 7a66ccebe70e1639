/**
 * API tokens: `carillon_<id>_<secret>`. The id finds the token; its whole text is compared by SHA-256, in constant time.
 * An unknown id takes the same path as a wrong secret.
 */

import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import type { Token } from '../scheduler/model/token.ts';
import type { NewToken } from '../who-asks/log-in.ts';

const idAlphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
const idLength = 12;
const secretBytes = 32;

const form = /^carillon_(?<id>[a-z0-9]{12})_[A-Za-z0-9_-]{43}$/;

export function newToken(): NewToken {
  const id = Array.from({ length: idLength }, () => idAlphabet[randomInt(idAlphabet.length)]).join('');
  const text = `carillon_${id}_${randomBytes(secretBytes).toString('base64url')}`;
  return { id, text, sha256: sha256(text).toString('hex') };
}

/** Null: it does not look like a token. */
export const tokenIdIn = (text: string): string | null => form.exec(text)?.groups?.id ?? null;

const ofNoToken = sha256('').toString('hex');

/** The token with this text, expired or not. Null: there is none. */
export function tokenWith(text: string, find: (id: string) => Token | undefined): Token | null {
  const token = find(tokenIdIn(text) ?? '');
  const isIt = isText(text, token?.sha256 ?? ofNoToken);
  return isIt && token !== undefined ? token : null;
}

/** In a time that does not tell how much of it is right. */
export const isText = (text: string, hash: string): boolean =>
  timingSafeEqual(sha256(text), Buffer.from(hash, 'hex'));

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
