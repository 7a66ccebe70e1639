/** Why a secret cannot be used, in words that never have its value. */

import { CarillonError } from '../../errors.ts';

/** LAUNCH_REFUSED: trying again does not help by itself. */
export const secretRefused = (
  field: string,
  problem: string,
  details: { readonly value?: unknown; readonly allowed: string },
): CarillonError =>
  new CarillonError('LAUNCH_REFUSED', `The secret ${field} cannot be used: ${problem}`, {
    field,
    ...details,
  });

/** ENGINE_UNAVAILABLE: the launch is tried again. */
export const secretUnavailable = (field: string, problem: string): CarillonError =>
  new CarillonError('ENGINE_UNAVAILABLE', `The secret ${field} cannot be read now: ${problem}`, { field });
