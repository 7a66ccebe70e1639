/** Failures of a delivery: whether to try again, in words that hold no secret. */

import { CarillonError } from '../errors.ts';
import { oneLine } from './text.ts';

export const failed = (message: string): CarillonError => new CarillonError('NOTIFICATION_FAILED', message);
export const refused = (message: string): CarillonError => new CarillonError('NOTIFICATION_REFUSED', message);
export const interrupted = (): CarillonError =>
  failed('The delivery was interrupted, because the node stops.');

const quotedLength = 200;

/** The beginning of what a receiver responded, without secrets that it repeats: `: "no_service"`, or nothing. */
export function quoted(text: string, secrets: readonly string[]): string {
  let clean = text;
  // Longest first: one may be a part of another.
  for (const secret of secrets.toSorted((a, b) => b.length - a.length))
    if (secret !== '') clean = clean.replaceAll(secret, '***');
  const line = oneLine(clean, quotedLength);
  return line === '' ? '' : `: ${JSON.stringify(line)}`;
}
