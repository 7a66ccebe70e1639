/**
 * Cursors: opaque positions in a list, which clients pass back. A client can send anything, so each list
 * validates the content.
 */

import { CarillonError } from '../../errors.ts';

export const encodeCursor = (place: readonly (string | number | null)[]): string =>
  Buffer.from(JSON.stringify(place)).toString('base64url');

/** Decodes a cursor if `fits` accepts it; INVALID_FIELD otherwise. */
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
  throw new CarillonError('INVALID_FIELD', 'cursor is not a cursor of this list.', {
    field: 'cursor',
    value: cursor.slice(0, 80),
    allowed: 'the next of the previous page, or no cursor for the first page',
    source: 'query',
  });
}
