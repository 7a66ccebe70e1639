/**
 * Opaque positions in a list of runs: continue after this (due, id). They stay valid when runs are added
 * later.
 */

import { CarillonError } from '../errors.ts';

export type Place = readonly [due: number, id: string];

export function encodeCursor(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** INVALID_FIELD for anything that `encodeCursor` did not create. */
export function decodeCursor(cursor: string): Place {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(place) && typeof place[0] === 'number' && typeof place[1] === 'string') {
      return [place[0], place[1]];
    }
  } catch {
    // Falls through to the refusal.
  }
  throw new CarillonError('INVALID_FIELD', 'The cursor is not from a list of this server.', {
    field: 'cursor',
    value: cursor,
    allowed: "the 'next' of an earlier response",
  });
}
