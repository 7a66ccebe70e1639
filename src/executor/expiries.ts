/** When certificates in files end. */

import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Expiries, Expiry } from '../scheduler/expiry.ts';

/** A bundle of authorities may have hundreds: that of the client and its own authority have few. */
const MAX_CERTIFICATES = 20;
const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

export const expiriesIn =
  (paths: readonly string[]): Expiries =>
  async () =>
    (await Promise.all(paths.map(firstEnd))).flat();

/** The earliest end in the file. Empty if it cannot be read: its user says so. */
async function firstEnd(path: string): Promise<Expiry[]> {
  try {
    const certificates = (await readFile(path, 'utf8')).match(pem)?.slice(0, MAX_CERTIFICATES) ?? [];
    const ends = certificates.map((each) => Date.parse(new X509Certificate(each).validTo));
    return ends.length === 0 ? [] : [{ name: basename(path), at: Math.min(...ends) }];
  } catch {
    return [];
  }
}
