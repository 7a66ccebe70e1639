/**
 * Validates values of stored definitions: a later version may have accepted others, or someone changed the
 * store.
 */

import { CarillonError } from '../../errors.ts';

export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** The INVALID_FIELD error for a value of another type. */
export function noForm(field: string, value: unknown, form: 'object' | 'list'): CarillonError {
  const message = `${field} is ${JSON.stringify(value)}, which is not ${form === 'object' ? 'an object' : 'a list'}`;
  return new CarillonError('INVALID_FIELD', message, { field });
}

/** Returns the value if it is one of the words. INVALID_FIELD otherwise. */
export function knownWord<W extends string>(field: string, value: W, words: readonly W[]): W {
  if (words.includes(value)) return value;
  const message = `${field} is ${JSON.stringify(value)}, which is not one of ${words.join(', ')}`;
  throw new CarillonError('INVALID_FIELD', message, { field, value, allowed: words });
}
