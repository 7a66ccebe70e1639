/**
 * Orders that respect dependencies: parents before children, and level by level.
 *
 * Assumes a graph without cycles (`checkParents` ensures it). The result is the same for the same edges,
 * whatever the order of insertion or of `names`.
 */
import { invariant } from '../errors.ts';
import { byName, type Graph } from './graph.ts';

/**
 * Sorts `names` into levels: the first has no parents among `names`, and each other job is one level below
 * its lowest parent. Edges to jobs outside `names` do not count. Sorted by name within a level. One step per
 * job.
 */
export function* topologicalLevels(graph: Graph, names: Iterable<string>): Generator<void, string[][]> {
  const waiting = new Map<string, number>();
  for (const name of names) waiting.set(name, 0);
  for (const name of waiting.keys()) {
    yield;
    waiting.set(name, graph.parentsOf(name).filter((parent) => waiting.has(parent)).length);
  }
  const levels: string[][] = [];
  let level = [...waiting.keys()].filter((name) => waiting.get(name) === 0).sort(byName);
  let placed = 0;
  while (level.length > 0) {
    levels.push(level);
    placed += level.length;
    const next: string[] = [];
    for (const name of level) {
      yield;
      next.push(...released(graph, name, waiting));
    }
    level = next.sort(byName);
  }
  invariant(placed === waiting.size, `the dependency graph has a cycle among ${waiting.size - placed} jobs`);
  return levels;
}

/** The children for which `name` was the last parent to be placed. */
function released(graph: Graph, name: string, waiting: Map<string, number>): string[] {
  return graph.childrenOf(name).filter((child) => {
    const left = waiting.get(child);
    if (left === undefined) return false;
    waiting.set(child, left - 1);
    return left === 1;
  });
}
