/**
 * Cursors: where a list goes on, in a form that clients hand back and do not look into. Each list checks
 * what it finds in one, because it may come from anywhere.
 */

import { CarillonError } from '../../errors.ts';

export const encodeCursor = (place: readonly (string | number | null)[]): string =>
  Buffer.from(JSON.stringify(place)).toString('base64url');

/** What `encodeCursor` was given, if `fits`; INVALID_FIELD otherwise. */
export function decodeCursor<P extends readonly unknown[]>(
  cursor: string,
  fits: (place: readonly unknown[]) => place is P,
): P {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(place) && fits(place)) return place;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new CarillonError('INVALID_FIELD', 'cursor is not one that this list gave out.', {
    field: 'cursor',
    value: cursor.slice(0, 80),
    allowed: 'the next of the page before, or none for the first page',
    source: 'query',
  });
}
