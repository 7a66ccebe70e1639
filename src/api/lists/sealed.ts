/**
 * Positions of the archive within cursors, unreadable for clients: the last run that was read may be of a job that the client
 * does not see, and its id has the job's name. Sealed with the keys that all nodes have, so that any node opens it.
 */

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { SigningKey } from '../../scheduler/model/token.ts';

type Keys = readonly Pick<SigningKey, 'secret'>[];

const algorithm = 'aes-256-gcm';
const [ivBytes, tagBytes, keyBytes] = [12, 16, 32];
/** While the installation has no key yet. */
const own = { secret: randomBytes(keyBytes).toString('base64url') };

const derived = ({ secret }: Keys[number]): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', secret, '', 'cursor', keyBytes));

/** By the first of the keys. */
export function sealed(text: string, [key = own]: Keys): string {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv(algorithm, derived(key), iv);
  const data = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), data]).toString('base64url');
}

/** Null: none of the keys has sealed it. */
export function opened(text: string, keys: Keys): string | null {
  const bytes = Buffer.from(text, 'base64url');
  const [iv, tag] = [bytes.subarray(0, ivBytes), bytes.subarray(ivBytes, ivBytes + tagBytes)];
  if (tag.length < tagBytes) return null;
  for (const key of [...keys, own]) {
    const decipher = createDecipheriv(algorithm, derived(key), iv, { authTagLength: tagBytes });
    decipher.setAuthTag(tag);
    const open = decipher.update(bytes.subarray(ivBytes + tagBytes));
    try {
      return Buffer.concat([open, decipher.final()]).toString('utf8');
    } catch {
      // Another key, or no seal of ours.
    }
  }
  return null;
}
