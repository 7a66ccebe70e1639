/**
 * Names as 2.x allowed them, with spaces and #. Here such a job has dashes in their place, and keeps the name
 * that it was sent with: a client of Chronos reads and asks by that.
 */

import type { JobDefinition } from '../job/definition.ts';
import type { Generation } from './job.ts';

/** What each generation takes for a name, as a regular expression in its words. */
export const nameForms: Readonly<Record<Generation, string>> = {
  2: '[\\w\\s\\.#_-]+',
  3: '[\\w\\.-]+',
};

/** The name that the job has here. */
export const nativeName = (name: string): string => name.replaceAll(/[^\w.-]+/g, '-');

/** The name that a client of Chronos knows the job by; a copy under another name has none of its own. */
export function shownName({ name, chronos }: JobDefinition): string {
  const sent = chronos?.name;
  return typeof sent === 'string' && nativeName(sent) === name ? sent : name;
}
