/**
 * Joins the branches of one rerun or manual start: a job below several of them waits until all have ended, so
 * that it runs once, and never with new data of one branch and old data of another. It waits only for
 * branches that are sure to end: those that descend from the root alone. A start of several jobs has several
 * roots and names for each downstream job what it waits for; see `rules/start.ts`.
 */

import type { Graph } from '../../dag/graph.ts';
import type { ParentEnd } from '../../dag/ready.ts';

/**
 * Maximum pending results of a job. The oldest are dropped first; they belong to reruns that never reached
 * all branches.
 */
export const MAX_HELD = 64;

/** The roots, and all jobs below them whose parents are all among these. */
export function branchesOf(graph: Graph, roots: Iterable<string>): ReadonlySet<string> {
  const branches = new Set(roots);
  const missing = new Map<string, number>();
  // Grows during the walk: a job is added after the last of its parents.
  for (const name of branches) {
    for (const child of graph.childrenOf(name)) {
      const left = (missing.get(child) ?? graph.parentsOf(child).length) - 1;
      missing.set(child, left);
      if (left === 0) branches.add(child);
    }
  }
  return branches;
}

/**
 * Keeps the result pending until every parent among `branches` has ended in its lineage. Then releases all of
 * them, failures first, so that none is overlooked because another succeeded before it.
 */
export function holdBack(
  held: readonly ParentEnd[],
  end: ParentEnd,
  branches: readonly string[],
): { held: readonly ParentEnd[]; released: readonly ParentEnd[] } {
  if (!branches.includes(end.parent)) return { held, released: [end] };
  const sameLineage = (other: ParentEnd): boolean => other.variant === end.variant && other.due === end.due;
  const together = [...held.filter((other) => sameLineage(other) && other.parent !== end.parent), end];
  if (branches.some((name) => !together.some((each) => each.parent === name))) {
    return {
      held: [...held.filter((other) => !together.includes(other)), ...together].slice(-MAX_HELD),
      released: [],
    };
  }
  const failuresFirst = together.sort(
    (a, b) => Number(a.outcome === 'succeeded') - Number(b.outcome === 'succeeded'),
  );
  return { held: held.filter((other) => !sameLineage(other)), released: failuresFirst };
}
