/** Whose certificates the command line trusts, and what it says of those that it does not. */

import { readFileSync } from 'node:fs';
import { CarillonError } from '../errors.ts';

export type Fetch = typeof fetch;

/**
 * Trusts the authorities in a file, and no others. Null: those of Node.js, with NODE_EXTRA_CA_CERTS. INVALID_FIELD if the
 * file cannot be read.
 */
export function fetchTrusting(file: string | null): Fetch {
  if (file === null) return fetch;
  const ca = authoritiesIn(file);
  // Most commands never need it.
  const trusting = async () => {
    const { Agent, fetch } = await import('undici');
    const dispatcher = new Agent({ connect: { ca } });
    return ((url: string, init: object) => fetch(url, { ...init, dispatcher })) as unknown as Fetch;
  };
  let loaded: Promise<Fetch> | null = null;
  return async (...asked) => {
    loaded ??= trusting();
    return (await loaded)(...asked);
  };
}

function authoritiesIn(file: string): string {
  const refuse = (problem: string): CarillonError =>
    new CarillonError('INVALID_FIELD', `${file} ${problem}.`, {
      field: 'ca',
      value: file,
      allowed: 'a file with certificates of authorities, as PEM',
      source: '--ca or CARILLON_CA',
    });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw refuse(`cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw refuse('has no certificate');
  return text;
}

const untrusted =
  'has a certificate of an unknown authority. If it is right, pass that authority with --ca FILE';

/** By error code of Node.js: why a server is not trusted. Nothing was sent to it. */
const problems: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  CERT_SIGNATURE_FAILURE: untrusted,
  CERT_HAS_EXPIRED: 'has a certificate that has expired. Renew it on the server',
  CERT_NOT_YET_VALID: 'has a certificate that is not valid yet. Check the clocks',
  ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate for other names. Use one of them, or add this one',
  ERR_SSL_WRONG_VERSION_NUMBER: 'does not speak TLS. Use http://',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'does not speak TLS. Use http://',
};

/** Null: the problem is another one. */
export const whyNotTrusted = (url: string, cause: string): string | null =>
  problems[cause] === undefined ? null : `${url} ${problems[cause]} (${cause}).`;
