/** Suggests a job to somebody who named one that does not exist. */

import { CarillonError } from '../../errors.ts';
import { nearest } from '../../scheduler/job/schema/nearest.ts';

/** Names that are compared: a few milliseconds. */
const MOST_COMPARED = 5_000;

interface Jobs {
  jobNames(after: string | null): Iterable<string>;
}

/** JOB_NOT_FOUND with the name that was probably meant, of the jobs that the asker can read. Other errors are unchanged. */
export function withNearName(error: CarillonError, jobs: () => Jobs): CarillonError {
  const { value, names } = error.details;
  if (error.code !== 'JOB_NOT_FOUND' || typeof value !== 'string' || value === '' || names !== undefined)
    return error;
  const near = nearest(value, alike(value, jobs())) ?? nearest(value, first(jobs().jobNames(null)));
  if (near === null) return error;
  return new CarillonError('JOB_NOT_FOUND', `${error.message} Did you mean '${near}'?`, {
    ...error.details,
    names: [near],
  });
}

/** Names that begin with the same character: most mistakes are behind it. */
function* alike(value: string, jobs: Jobs): Iterable<string> {
  const initial = value.charCodeAt(0);
  // Sorts before every name that begins with this character, and behind all that begin with a smaller one.
  const before = `${String.fromCharCode(initial - 1)}\uffff`;
  for (const name of first(jobs.jobNames(before))) {
    if (name.charCodeAt(0) !== initial) return;
    yield name;
  }
}

function* first(names: Iterable<string>): Iterable<string> {
  let left = MOST_COMPARED;
  for (const name of names) {
    if (left === 0) return;
    left -= 1;
    yield name;
  }
}
