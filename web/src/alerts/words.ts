/** What alerts are called. */

import type { WireAlert } from '../../../src/api/wire/alerts.ts';

export const alertWords: Readonly<Record<WireAlert['condition'], (count: number) => string>> = {
  failed: (count) => (count > 1 ? `Failed, ${count} times` : 'Failed'),
  late: () => 'Late',
  long: () => 'Runs long',
  missed: (count) => `Missed ${count === 1 ? 'a due time' : `${count} due times`}`,
  disabled: () => 'Disabled',
  'at-risk': () => 'At risk',
  'held-back': () => 'Held back',
  skipped: (count) => `Skipped ${count === 1 ? 'a due time' : `${count} due times`}`,
  'pipeline-late': () => 'Pipeline late',
  'engine-unreachable': () => 'Engine unreachable',
  'queue-growing': () => 'Queue grows',
  undecided: () => 'Due times undecided',
  'store-slow': () => 'Store slow',
  expiring: () => 'Expires soon',
  unled: () => 'No leader',
  succeeded: () => 'Succeeded',
  'pipeline-done': () => 'Pipeline ended',
};

/** What it is about. */
export const nameOf = ({ job, subject }: WireAlert): string => job ?? (subject === '' ? 'Carillon' : subject);
