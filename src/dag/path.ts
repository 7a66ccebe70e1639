/**
 * The critical path: the chain of dependent jobs that takes longest, which determines when the whole ends.
 *
 * Assumes a graph without cycles and durations of at least 0. Chains of equal duration are ordered by name.
 */
import type { Graph } from './graph.ts';
import { topologicalLevels } from './order.ts';

export interface CriticalPath {
  /** From the first job to the last. Empty if the graph has no edge. */
  readonly path: string[];
  /** The sum of the durations along the path. */
  readonly totalMs: number;
}

/**
 * The longest chain that ends in `target`, or the longest of the whole graph without a target. One step per
 * job.
 */
export function* criticalPath(
  graph: Graph,
  target: string | undefined,
  durationMs: (name: string) => number,
): Generator<void, CriticalPath> {
  const names = target === undefined ? graph.linked() : [...graph.ancestors(target), target];
  const order = (yield* topologicalLevels(graph, names)).flat();
  const finishMs = new Map<string, number>();
  const slowest = new Map<string, string>();
  for (const name of order) {
    yield;
    const parents = graph.parentsOf(name);
    const last = longest(parents, finishMs);
    if (last !== undefined) slowest.set(name, last);
    finishMs.set(name, (last === undefined ? 0 : (finishMs.get(last) ?? 0)) + durationMs(name));
  }
  const end = target ?? longest(order, finishMs);
  if (end === undefined) return { path: [], totalMs: 0 };
  const path: string[] = [];
  for (let at: string | undefined = end; at !== undefined; at = slowest.get(at)) path.push(at);
  return { path: path.reverse(), totalMs: finishMs.get(end) ?? 0 };
}

function longest(names: readonly string[], finishMs: ReadonlyMap<string, number>): string | undefined {
  let best: string | undefined;
  for (const name of names) {
    const ms = finishMs.get(name) ?? 0;
    const bestMs = best === undefined ? -1 : (finishMs.get(best) ?? 0);
    if (best === undefined || ms > bestMs || (ms === bestMs && name < best)) best = name;
  }
  return best;
}
