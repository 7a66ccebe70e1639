/** The refusal of a request for which the asker lacks a permission. */

import { CarillonError } from '../../errors.ts';
import { leastRole } from './access.ts';
import type { Permission } from './principal.ts';

/** Jobs that the message names. */
const MOST_NAMED = 5;

/**
 * `on`: the jobs on which it is missing, which the asker can read or has named. `some`: it is missing on all jobs, and having
 * it for some would do. `what` needs it, as the beginning of a sentence.
 */
export function forbidden(
  permission: Permission,
  on: 'everything' | 'some' | readonly string[] = 'everything',
  what = 'This',
): CarillonError {
  const jobs = typeof on === 'string' ? [] : on;
  const where = jobs.length > 0 ? `on ${list(jobs)}` : on === 'some' ? 'for some jobs' : 'for everything';
  const role = leastRole[permission];
  return new CarillonError(
    'FORBIDDEN',
    `${what} needs the permission ${permission} ${where}. The role ${role} has it, and an admin can grant it.`,
    {
      field: 'permission',
      value: permission,
      allowed: `the role ${role} or higher ${where}`,
      ...(jobs.length > 0 && { names: jobs.slice(0, 100) }),
    },
  );
}

function list(jobs: readonly string[]): string {
  const named = jobs.slice(0, MOST_NAMED).map((name) => `'${name}'`);
  const more = jobs.length - named.length;
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ');
}
