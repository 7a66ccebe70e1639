/**
 * Keeps the nodes of a graph that was read once in step with the runs that are told live, so that ten thousand
 * nodes are not read again for each run. Pure but for what it remembers.
 *
 * A run is counted where it was last seen. One that was under way before the graph was read is not known by
 * name: its first news may count it twice, until the graph is read again some seconds later.
 */

import type { WireRun } from '../../../src/api/wire/schema.ts';
import type { WireGraph, WireGraphNode } from '../../../src/api/wire/views.ts';

type Place = 'running' | 'waiting';

export class LiveNodes {
  /** Where each unfinished run is counted. */
  readonly #places = new Map<string, Place>();
  /** News since the last time, the newest of each run. */
  readonly #news = new Map<string, WireRun>();

  /** The graph was read again: what is counted there is right. */
  forget(): void {
    this.#places.clear();
    this.#news.clear();
  }

  add(run: WireRun): void {
    this.#news.delete(run.id);
    this.#news.set(run.id, run);
  }

  /** The graph with all news in it; the same one when there are none about its jobs. */
  apply(graph: WireGraph): WireGraph {
    const changed = new Map<string, WireGraphNode>();
    const byName = new Map<string, WireGraphNode>();
    const jobs = new Set([...this.#news.values()].map(({ job }) => job));
    for (const node of graph.nodes) if (jobs.has(node.name)) byName.set(node.name, node);
    for (const run of this.#news.values()) {
      const node = changed.get(run.job) ?? byName.get(run.job);
      if (node !== undefined) changed.set(run.job, this.#after(node, run));
    }
    this.#news.clear();
    if (changed.size === 0) return graph;
    return { ...graph, nodes: graph.nodes.map((node) => changed.get(node.name) ?? node) };
  }

  #after(node: WireGraphNode, run: WireRun): WireGraphNode {
    const before = this.#places.get(run.id);
    const place = placeOf(run);
    const counts = { running: node.running, waiting: node.waiting };
    if (before !== undefined) counts[before] = Math.max(0, counts[before] - 1);
    // It ended, and was under way before: it is in one of the counts, and most likely as running.
    else if (place === null) counts[counts.running > 0 ? 'running' : 'waiting'] -= 1;
    if (place !== null) counts[place] += 1;
    if (place === null) this.#places.delete(run.id);
    else this.#places.set(run.id, place);
    return { ...node, running: counts.running, waiting: Math.max(0, counts.waiting), ...endOf(node, run) };
  }
}

function placeOf({ state }: WireRun): Place | null {
  if (state === 'launching' || state === 'running') return 'running';
  return state === 'waiting' || state === 'queued' ? 'waiting' : null;
}

/** What a run's ending says about its job. */
function endOf(node: WireGraphNode, run: WireRun): Partial<WireGraphNode> {
  const { id, state, due, endedAt } = run;
  if (endedAt === null || placeOf(run) !== null) return {};
  if (node.last !== null && Date.parse(node.last.endedAt) > Date.parse(endedAt)) return {};
  const last = { id, state, due, endedAt } as NonNullable<WireGraphNode['last']>;
  if (state === 'succeeded') return { last, consecutiveFailures: 0 };
  const failed = state === 'failed' || state === 'timed-out' || state === 'lost';
  return { last, consecutiveFailures: node.consecutiveFailures + (failed ? 1 : 0) };
}
