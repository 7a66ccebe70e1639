/** The dependency graph of some jobs: levels, critical path, and what each job waits for. */

import { Graph } from '../../dag/graph.ts';
import { topologicalLevels } from '../../dag/order.ts';
import { type CriticalPath, criticalPath } from '../../dag/path.ts';
import { reach } from '../../dag/reach.ts';
import type { JobReader, JobView, Lacking, Steps } from '../handle.ts';
import type { Reason } from '../model/reason.ts';
import { runTimes } from '../stats/run-times.ts';
import { HeldBack, type Holder } from './held-back.ts';
import { lateness } from './late.ts';

export interface GraphJob {
  readonly view: JobView;
  /** Why the job is late. Null: it is on time. */
  readonly late: Reason | null;
  /** Unfinished rounds, and the parents that each waits for. */
  readonly lacking: readonly Lacking[];
  /** Paused and disabled ancestors that keep it from running. */
  readonly heldBackBy: readonly Holder[];
  /** Length in edges of the longest path to it. */
  readonly level: number;
}

export interface JobGraph {
  readonly jobs: readonly GraphJob[];
  /** From parent to child, where both are in the graph. */
  readonly edges: { readonly from: string; readonly to: string }[];
  /** By median run times. */
  readonly criticalPath: CriticalPath;
}

/** The job with its ancestors and descendants, each up to a given distance in edges. Default: no limit. */
export function* relatives(
  { parentsOf, childrenOf }: JobReader,
  job: string,
  { ancestors, descendants }: { readonly ancestors?: number; readonly descendants?: number },
): Steps<ReadonlySet<string>> {
  const found = new Set([job]);
  for (const way of [reach(job, parentsOf, ancestors), reach(job, childrenOf, descendants)]) {
    for (const name of way) {
      found.add(name);
      yield;
    }
  }
  return found;
}

/** The graph of these jobs, in their order. */
export function* graphOf(
  reader: JobReader,
  views: ReadonlyMap<string, JobView>,
  now: number,
): Steps<JobGraph> {
  const graph = yield* edgesWithin(views);
  const levels = yield* levelsOf(graph, views.keys());
  const path = yield* criticalPath(graph, undefined, (name) => {
    const view = views.get(name);
    return view === undefined ? 0 : (runTimes(view.stats).p50Ms ?? 0);
  });
  const heldBack = new HeldBack(reader);
  const jobs: GraphJob[] = [];
  const edges: { from: string; to: string }[] = [];
  for (const view of views.values()) {
    const { name } = view.job;
    jobs.push({
      view,
      late: lateness(view, now, reader.lacking)?.reason ?? null,
      lacking: view.state.join === null ? [] : reader.lacking(name),
      heldBackBy: heldBack.by(name),
      level: levels.get(name) ?? 0,
    });
    for (const from of graph.parentsOf(name)) edges.push({ from, to: name });
    yield;
  }
  return { jobs, edges, criticalPath: path };
}

function* edgesWithin(views: ReadonlyMap<string, JobView>): Steps<Graph> {
  const graph = new Graph();
  for (const { job, parents } of views.values()) {
    const within = parents.filter((parent) => views.has(parent));
    if (within.length > 0) graph.setParents(job.name, within);
    yield;
  }
  return graph;
}

function* levelsOf(graph: Graph, jobs: Iterable<string>): Steps<ReadonlyMap<string, number>> {
  const levels = new Map<string, number>();
  for (const [level, names] of (yield* topologicalLevels(graph, jobs)).entries())
    for (const name of names) levels.set(name, level);
  return levels;
}
