/** What a definition says about the jobs that it runs after. */

import { type Intervals, intervalAt } from '../schedule/civil-interval.ts';
import { zoneOf } from '../schedule/zone.ts';
import { resolveZoneName } from '../schedule/zone-name.ts';
import type { AfterDefinition, ParentDefinition } from './definition.ts';
import { words } from './schema/parts.ts';

export const parentName = (parent: ParentDefinition): string =>
  typeof parent === 'string' ? parent : parent.job;

/** In the order in which they are written. Empty if they are in a form that this version does not know. */
export const parentNames = (after: AfterDefinition | undefined): string[] => listed(after).map(parentName);

const listed = (after: AfterDefinition | undefined): AfterDefinition['parents'] =>
  Array.isArray(after?.parents) ? after.parents : [];

/** The parents that are written as objects. */
export const parentObjects = (after: AfterDefinition | undefined): Exclude<ParentDefinition, string>[] =>
  listed(after).filter((parent) => typeof parent !== 'string');

/** The interval of the child's rounds: its own, or the one that parents have. */
export const perOf = (after: AfterDefinition | undefined): AfterDefinition['per'] =>
  after?.per ?? parentObjects(after).find(({ per }) => per !== undefined)?.per;

/** The intervals that are the child's rounds. Null: they are none. */
export function roundIntervals(after: AfterDefinition): Intervals | null {
  const unit = perOf(after);
  if (unit === undefined) return null;
  const { timezone = 'UTC', weekStart = 'monday' } = after;
  const { id } = resolveZoneName(timezone, 'schedule.after.timezone');
  return { unit, zone: zoneOf(id), weekStart: words.weekday.indexOf(weekStart) };
}

/** The interval of the round of a due time. Null: the child's rounds are no intervals. */
export function roundInterval(after: AfterDefinition, due: number): { from: number; to: number } | null {
  const intervals = roundIntervals(after);
  return intervals === null ? null : intervalAt(intervals, due);
}

/** Two texts that are equal have the same intervals. */
export const intervalsText = (after: AfterDefinition | undefined): string =>
  perOf(after) === undefined
    ? ''
    : `${perOf(after)} ${after?.timezone ?? 'UTC'} ${after?.weekStart ?? 'monday'}`;

/** The parents of these names, with what the definition says about them. */
export function parentsAs(
  after: AfterDefinition | undefined,
  names: readonly string[],
): AfterDefinition['parents'] {
  const known = new Map(parentObjects(after).map((each) => [each.job, each]));
  return names.map((name) => known.get(name) ?? name);
}

/** The definition's parents without one. */
export const withoutParent = (after: AfterDefinition, name: string): AfterDefinition['parents'] =>
  after.parents.filter((parent) => parentName(parent) !== name);
