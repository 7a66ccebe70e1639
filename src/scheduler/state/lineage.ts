/**
 * Branches of one rerun, or of one start by hand, meet again: a job below several of them waits until all have
 * ended, so that it runs once and never on one branch's new data and another's old. Only branches that are
 * sure to end are waited for: those that descend from the root alone. A start of several jobs has several roots,
 * and says to each job below them what it waits for; see `rules/start.ts`.
 */

import type { Graph } from '../../dag/graph.ts';
import type { ParentEnd } from '../../dag/ready.ts';

/** Endings that a job may hold back; the oldest go first, with reruns that never came to all branches. */
export const MAX_HELD = 64;

/** The roots, and all jobs below them whose every parent is among these. */
export function branchesOf(graph: Graph, roots: Iterable<string>): ReadonlySet<string> {
  const branches = new Set(roots);
  const missing = new Map<string, number>();
  // Grows while it is walked: a job comes when the last of its parents has.
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
 * Holds the ending back until every parent among `branches` has ended in its lineage; then lets all of them
 * go, failures first, so that none is overlooked because another succeeded before it.
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
