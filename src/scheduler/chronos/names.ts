/**
 * Names as 2.x allowed them, with spaces and #. The native name has dashes instead, and the job keeps the
 * name that it was sent with, by which Chronos clients know it.
 */

import type { JobDefinition } from '../job/definition.ts';
import type { Generation } from './job.ts';

/** The name pattern of each generation, as printed in its messages. */
export const nameForms: Readonly<Record<Generation, string>> = {
  2: '[\\w\\s\\.#_-]+',
  3: '[\\w\\.-]+',
};

/** The native name of the job. */
export const nativeName = (name: string): string => name.replaceAll(/[^\w.-]+/g, '-');

/** The name by which Chronos clients know the job. A copy under another name has only its native one. */
export function shownName({ name, chronos }: JobDefinition): string {
  const sent = chronos?.name;
  return typeof sent === 'string' && nativeName(sent) === name ? sent : name;
}
