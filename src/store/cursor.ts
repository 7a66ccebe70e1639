/** Opaque places in a list of runs: behind which (due, id) to go on. They survive runs that are added later. */

import { CarillonError } from '../errors.ts';

export type Place = readonly [due: number, id: string];

export function encodeCursor(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** INVALID_FIELD for anything that `encodeCursor` did not make. */
export function decodeCursor(cursor: string): Place {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(place) && typeof place[0] === 'number' && typeof place[1] === 'string') {
      return [place[0], place[1]];
    }
  } catch {
    // Falls through to the refusal.
  }
  throw new CarillonError('INVALID_FIELD', 'the cursor is not one that a list answered with', {
    field: 'cursor',
    value: cursor,
    allowed: "the 'next' of an earlier answer",
  });
}
