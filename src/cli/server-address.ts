/** Addresses of servers, as users write them. */

import { CarillonError } from '../errors.ts';

/**
 * Completes `localhost:4400` to `http://localhost:4400`. INVALID_FIELD if it is not the address of a server.
 */
export function serverIn(text: string): string {
  const written = text.trim();
  const url = written.includes('://') ? written : `http://${written}`;
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const plain = parsed !== null && parsed.search === '' && parsed.hash === '' && parsed.username === '';
  if (plain && ['http:', 'https:'].includes(parsed.protocol)) return url.replace(/\/+$/, '');
  // Keeps a password in it out of terminals and logs.
  const shown = written.slice(0, 256).replace(/\/\/.*@/, '//***@');
  throw new CarillonError('INVALID_FIELD', `--url is ${JSON.stringify(shown)}.`, {
    field: 'url',
    value: shown,
    allowed: 'http://host:port or https://host:port; separate several with commas',
    source: '--url or CARILLON_URL',
  });
}
