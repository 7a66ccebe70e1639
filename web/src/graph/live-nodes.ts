/**
 * Updates the nodes of a graph from live run events, so that ten thousand nodes are not reloaded for each
 * run. Pure except for its memory.
 *
 * A run is counted in its last known state. A run that was unfinished before the graph was read is not known
 * by name, so its first event may count it twice, until the graph is reloaded some seconds later.
 */

import type { WireRun } from '../../../src/api/wire/schema.ts';
import type { WireGraph, WireGraphNode } from '../../../src/api/wire/views.ts';

type Place = 'running' | 'waiting';

export class LiveNodes {
  /** The state in which each unfinished run is counted. */
  readonly #places = new Map<string, Place>();
  /** Events since the last time, the newest per run. */
  readonly #news = new Map<string, WireRun>();

  /** The graph was reloaded, so its counts are correct. */
  forget(): void {
    this.#places.clear();
    this.#news.clear();
  }

  add(run: WireRun): void {
    this.#news.delete(run.id);
    this.#news.set(run.id, run);
  }

  /** Returns the graph with all events applied, or the same one if none concern its jobs. */
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
    // The run ended and was unfinished before: it is in one of the counts, most likely as running.
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

/** What the end of a run changes in its job. */
function endOf(node: WireGraphNode, run: WireRun): Partial<WireGraphNode> {
  const { id, state, due, endedAt } = run;
  if (endedAt === null || placeOf(run) !== null) return {};
  if (node.last !== null && Date.parse(node.last.endedAt) > Date.parse(endedAt)) return {};
  const last = { id, state, due, endedAt } as NonNullable<WireGraphNode['last']>;
  if (state === 'succeeded') return { last, consecutiveFailures: 0 };
  const failed = state === 'failed' || state === 'timed-out' || state === 'lost';
  return { last, consecutiveFailures: node.consecutiveFailures + (failed ? 1 : 0) };
}
