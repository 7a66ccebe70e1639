/** The refusal of a launch that can not be made as its job says. */

import { CarillonError } from '../../errors.ts';

/** The launch can't be made as the job says: LAUNCH_REFUSED with the field, its value and what is allowed. */
export function refused(field: string, value: unknown, message: string, allowed: string): CarillonError {
  return new CarillonError('LAUNCH_REFUSED', message, { field, value, allowed });
}
