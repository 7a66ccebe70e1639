/** Compares two JSON values field by field. */

import { sameJson } from '../scheduler/job/same.ts';

export interface Difference {
  /** `policy.retries.limit`; empty for the whole value. */
  readonly path: string;
  /** Null if absent. */
  readonly before: unknown;
  readonly after: unknown;
}

/** In field order. Lists are compared as a whole, because their positions carry no meaning. */
export function differences(before: unknown, after: unknown, path = ''): Difference[] {
  if (sameJson(before, after)) return [];
  if (!isObject(before) || !isObject(after)) return [{ path, before: before ?? null, after: after ?? null }];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) =>
    differences(before[name], after[name], path === '' ? name : `${path}.${name}`),
  );
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
