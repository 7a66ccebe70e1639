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

/** A job in the order of a tree. `level`: length in edges of the longest path to it within the tree. */
export interface Placed {
  readonly name: string;
  readonly level: number;
}

/**
 * Sorts `names` with parents before children, and each job right behind the last of its parents, so that what
 * depends on each other stays together. Edges to jobs outside `names` do not count; jobs without an order among
 * them are sorted by name. One step per job.
 */
export function* treeOrder(graph: Graph, names: Iterable<string>): Generator<void, Placed[]> {
  const waiting = new Map<string, number>();
  for (const name of names) waiting.set(name, 0);
  for (const name of waiting.keys()) {
    yield;
    waiting.set(name, graph.parentsOf(name).filter((parent) => waiting.has(parent)).length);
  }
  const roots = [...waiting.keys()].filter((name) => waiting.get(name) === 0);
  const next = roots.sort(byName).reverse();
  const levels = new Map<string, number>();
  for (let name = next.pop(); name !== undefined; name = next.pop()) {
    yield;
    const above = graph.parentsOf(name).map((parent) => levels.get(parent) ?? -1);
    levels.set(name, Math.max(-1, ...above) + 1);
    for (const child of released(graph, name, waiting).reverse()) next.push(child);
  }
  invariant(levels.size === waiting.size, 'the dependency graph has a cycle among some of these jobs');
  return [...levels].map(([name, level]) => ({ name, level }));
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
