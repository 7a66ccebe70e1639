/** How a job was before a change, and how it is after it: the values that differ, by path. */

import type { JobDefinition } from '../../job/definition.ts';
import { shown } from '../../job/masked.ts';
import { sameJson } from '../../job/same.ts';

type Values = Record<string, unknown>;

/** Values that nobody reads in the audit. That they changed is said. */
const hidden = /^(?:run\.(?:env|secrets)|chronos)(?:$|\.)/;
const mark = '***';

interface Revised {
  readonly revision: number;
  readonly definition: JobDefinition;
}

/** `before`: null for a new job. */
export function changedJob(
  before: Revised | null,
  after: Revised,
): { readonly before?: Values; readonly after: Values } {
  if (before === null) return { after: { revision: after.revision, ...valuesOf(after.definition) } };
  const was = leavesOf(before.definition);
  const is = leavesOf(after.definition);
  const differs = (path: string): boolean => !sameJson(was.get(path), is.get(path));
  const part = (leaves: ReadonlyMap<string, unknown>): Values =>
    Object.fromEntries(
      [...leaves].filter(([path]) => differs(path)).map(([path, value]) => [path, shownAt(path, value)]),
    );
  return {
    before: { revision: before.revision, ...part(was) },
    after: { revision: after.revision, ...part(is) },
  };
}

const valuesOf = (definition: JobDefinition): Values =>
  Object.fromEntries([...leavesOf(definition)].map(([path, value]) => [path, shownAt(path, value)]));

const shownAt = (path: string, value: unknown): unknown => (hidden.test(path) ? mark : shown(value, path));

/** Texts, numbers and lists by path, without the name. */
function leavesOf({ name: _, ...definition }: JobDefinition): ReadonlyMap<string, unknown> {
  const leaves = new Map<string, unknown>();
  const walk = (value: unknown, path: string): void => {
    if (value === undefined) return;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) leaves.set(path, value);
    else for (const [key, each] of Object.entries(value)) walk(each, path === '' ? key : `${path}.${key}`);
  };
  walk(definition, '');
  return leaves;
}
