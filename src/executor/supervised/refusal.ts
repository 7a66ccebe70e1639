/** The refusal of a launch that cannot be carried out as its job specifies. */

import { CarillonError } from '../../errors.ts';

/** LAUNCH_REFUSED with the field, its value and what is allowed. */
export function refused(field: string, value: unknown, message: string, allowed: string): CarillonError {
  return new CarillonError('LAUNCH_REFUSED', message, { field, value, allowed });
}
