/** Forms that a stored definition may lack: a later version may have accepted it, or somebody changed the store. */

import { CarillonError } from '../../errors.ts';

export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** INVALID_FIELD, to be thrown for a value of another form. */
export function noForm(field: string, value: unknown, form: 'object' | 'list'): CarillonError {
  const message = `${field} is no ${form}: ${JSON.stringify(value)}`;
  return new CarillonError('INVALID_FIELD', message, { field });
}

/** The value, if it is one of the words. INVALID_FIELD for any other. */
export function knownWord<W extends string>(field: string, value: W, words: readonly W[]): W {
  if (words.includes(value)) return value;
  const message = `${field} is not one of ${words.join(', ')}: ${JSON.stringify(value)}`;
  throw new CarillonError('INVALID_FIELD', message, { field, value, allowed: words });
}
