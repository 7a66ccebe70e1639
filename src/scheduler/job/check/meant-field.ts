/** Suggests what a misplaced field or a value in an unsupported short form was meant to be. */

import { meantSchedule } from '../../schedule/meant.ts';
import { JobDefinition } from '../definition.ts';
import type { Hints, Shape } from '../schema/explain.ts';

/** Longer values are not short forms. */
const MAX_TEXT = 80;
const MAX_NAMES = 5;

const quoted = (text: string): string => (/^[\w./ -]+$/.test(text) ? text : JSON.stringify(text));

function names(value: unknown): string | null {
  const list = [value].flat();
  if (list.length === 0 || list.length > MAX_NAMES) return null;
  return list.every(isShort) ? `[${list.map(quoted).join(', ')}]` : null;
}

const isShort = (value: unknown): value is string => typeof value === 'string' && value.length <= MAX_TEXT;

function schedule(value: unknown): string | null {
  const meant = isShort(value) ? meantSchedule(value) : null;
  return meant === null ? null : `schedule: { ${meant} }`;
}

function after(value: unknown): string | null {
  const parents = names(value);
  return parents === null ? null : `schedule: { after: { parents: ${parents} } }`;
}

/** How to write the value found at the field. Null: no suggestion. */
const shorthands = new Map<string, (value: unknown) => string | null>(
  Object.entries({
    schedule,
    'schedule.after': after,
    'schedule.after.parents': after,
    depends_on: after,
    dependsOn: after,
    run: (value: unknown) => (isShort(value) ? `run: { command: ${JSON.stringify(value)} }` : null),
    'run.command': (value: unknown) => (Array.isArray(value) ? 'run.argv' : null),
    'policy.retries': (value: unknown) =>
      typeof value === 'number' ? `policy: { retries: { limit: ${value} } }` : null,
  }),
);

/** The location of each field name that occurs only once below the top level. */
const places = new Map<string, string | null>();
collect(JobDefinition as object as Shape, '');

function collect({ properties = {} }: Shape, parent: string): void {
  for (const [name, shape] of Object.entries(properties)) {
    const path = parent === '' ? name : `${parent}.${name}`;
    // `timezone` of a schedule is meant more often than that of what it has within.
    const isWithin = parent !== '' && places.get(name)?.startsWith(`${parent}.`) === true;
    places.set(name, places.has(name) && !isWithin ? null : path);
    if (parent === '' || parent === 'policy' || parent === 'schedule') collect(shape, path);
  }
}

/** A suggestion in the syntax of a job file. Null: no suggestion. */
export const jobHints: Hints = {
  value(field, value) {
    const shorthand = shorthands.get(field)?.(value) ?? null;
    return shorthand === null ? null : `\`${shorthand}\``;
  },
  field(field, value) {
    const place = places.get(field.split('.').at(-1) as string) ?? null;
    if (place !== null && place !== field) return place;
    const meant = field.startsWith('schedule.') ? schedule(value) : null;
    return meant === null ? this.value(field, value) : `\`${meant}\``;
  },
};
