/** One round of a job, and what it becomes in the graph. */

import { queryOptions } from '@tanstack/react-query';
import type { WireRound } from '../../../src/api/wire/grid.ts';
import type { WireRun } from '../../../src/api/wire/schema.ts';
import type { WireGraph, WireGraphNode } from '../../../src/api/wire/views.ts';
import { get } from '../data/client.ts';
import { failures } from '../parts/fate.ts';

export const roundQuery = (job: string, due: string) =>
  queryOptions({
    // Read again with the lists when something runs.
    queryKey: ['lists', 'round', job, due],
    queryFn: ({ signal }) =>
      get<WireRound>(`/jobs/${encodeURIComponent(job)}/rounds/${encodeURIComponent(due)}`, {}, signal),
  });

export const roundPath = (job: string, due: string): string =>
  `/rounds/${encodeURIComponent(job)}/${encodeURIComponent(due)}`;

/** The jobs of the round, as they stood in it and not as they stand now. */
export function graphIn(graph: WireGraph, round: WireRound): WireGraph {
  const runs = new Map(round.jobs.map(({ name, run }) => [name, run]));
  return {
    nodes: graph.nodes
      .filter(({ name }) => runs.has(name))
      .map((node) => nodeIn(node, runs.get(node.name) ?? null)),
    edges: graph.edges.filter(({ from, to }) => runs.has(from) && runs.has(to)),
    criticalPath: { jobs: round.criticalPath.jobs, p50Ms: round.criticalPath.totalMs },
  };
}

function nodeIn(node: WireGraphNode, run: WireRun | null): WireGraphNode {
  const state = run?.state;
  const isFailed = state !== undefined && (failures as readonly string[]).includes(state);
  return {
    ...node,
    status: 'active',
    nextDue: null,
    late: null,
    lateWhy: null,
    lacking: [],
    heldBackBy: [],
    running: state === 'running' || state === 'launching' ? 1 : 0,
    waiting: state === 'waiting' || state === 'queued' ? 1 : 0,
    consecutiveFailures: isFailed ? 1 : 0,
    last: run === null || run.endedAt === null ? null : lastOf(run, run.endedAt),
  };
}

const lastOf = (run: WireRun, endedAt: string): WireGraphNode['last'] => ({
  id: run.id,
  state: run.state as NonNullable<WireGraphNode['last']>['state'],
  due: run.due,
  endedAt,
});
