/** When the certificates of the client end, with which it reaches an engine. */

import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Expiries, Expiry } from '../../scheduler/expiry.ts';
import type { TlsFiles } from './address.ts';

/** A bundle of authorities may have hundreds: that of the client and its own authority have few. */
const MAX_CERTIFICATES = 20;
const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Null: there are none. */
export const expiriesOf =
  (tls: TlsFiles | null): Expiries =>
  async () => {
    const files = tls === null ? [] : [tls.caFile, tls.certFile];
    return (await Promise.all(files.map(firstEnd))).flat();
  };

/** The earliest end in the file. Empty if it cannot be read: its engine says so. */
async function firstEnd(path: string): Promise<Expiry[]> {
  try {
    const certificates = (await readFile(path, 'utf8')).match(pem)?.slice(0, MAX_CERTIFICATES) ?? [];
    const ends = certificates.map((each) => Date.parse(new X509Certificate(each).validTo));
    return ends.length === 0 ? [] : [{ name: basename(path), at: Math.min(...ends) }];
  } catch {
    return [];
  }
}
