/** The dependencies, as JSON and as DOT. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { toDot } from '../../dag/export.ts';
import { Graph as Edges } from '../../dag/graph.ts';
import { topologicalLevels } from '../../dag/order.ts';
import { criticalPath } from '../../dag/path.ts';
import { CarillonError } from '../../errors.ts';
import type { JobView, Lacking, SchedulerHandle } from '../../scheduler/handle.ts';
import { lateness } from '../../scheduler/late.ts';
import { runTimes } from '../../scheduler/run-times.ts';
import type { ApiContext } from '../context.ts';
import { answers, labelFilter, query } from '../endpoint.ts';
import { iso, isoOrNull } from '../instants.ts';
import { jobsThat } from '../job-filter.ts';
import { apiLimits } from '../limits.ts';
import { type WireGraph as Graph, type WireGraphNode as GraphNode, WireGraph } from '../schema-views.ts';
import { ref } from '../shape.ts';
import { isRunning, isWaiting, lastToWire } from '../to-wire.ts';

const tags = ['graph'];

const depth = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: apiLimits.graphNodes, description }));

const GraphQuery = query({
  job: Type.Optional(
    Type.String({ maxLength: 128, description: 'This job with all it waits for and all that waits for it.' }),
  ),
  ancestors: depth('With job: how far up; all the way unless said.'),
  descendants: depth('With job: how far down; all the way unless said.'),
  label: labelFilter,
  linked: Type.Optional(Type.Boolean({ description: 'Only jobs that have a parent or a child.' })),
});
type Asked = Static<typeof GraphQuery>;

export function graphRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Querystring: Asked }>(
    '/graph',
    {
      schema: {
        summary: 'The dependency graph',
        description: `Of all jobs unless said; at most ${apiLimits.graphNodes} of them.`,
        tags,
        operationId: 'getGraph',
        querystring: GraphQuery,
        response: answers({ 200: { description: 'Nodes and edges', schema: ref(WireGraph) } }, [
          'JOB_NOT_FOUND',
          'LIMIT_EXCEEDED',
        ]),
      },
    },
    async (request) => graphOf(context.scheduler, await nodesThat(context.scheduler, request.query)),
  );

  app.get<{ Querystring: Asked }>(
    '/graph.dot',
    {
      schema: {
        summary: 'The dependency graph for Graphviz',
        tags,
        operationId: 'getGraphDot',
        querystring: GraphQuery,
        response: answers({ 200: { description: 'DOT', type: 'text/vnd.graphviz', schema: Type.String() } }, [
          'JOB_NOT_FOUND',
          'LIMIT_EXCEEDED',
        ]),
      },
    },
    async (request, reply) => {
      const { scheduler } = context;
      const { nodes, edges } = graphOf(scheduler, await nodesThat(scheduler, request.query));
      reply.type('text/vnd.graphviz; charset=utf-8');
      return toDot({ nodes: nodes.map((node) => ({ name: node.name, state: stateOf(node) })), edges });
    },
  );
}

async function nodesThat(scheduler: SchedulerHandle, asked: Asked): Promise<Map<string, JobView>> {
  const { job, label, linked = false } = asked;
  const nodes = new Map<string, JobView>();
  const related = job === undefined ? null : relatives(scheduler, job, asked);
  for await (const view of jobsThat(scheduler, label === undefined ? {} : { label })) {
    if (related !== null && !related.has(view.job.name)) continue;
    if (linked && view.parents.length === 0 && view.children.length === 0) continue;
    if (nodes.size === apiLimits.graphNodes) throw tooLarge();
    nodes.set(view.job.name, view);
  }
  return nodes;
}

/** The job, its ancestors and its descendants as far as is asked; not the siblings. JOB_NOT_FOUND. */
function relatives(scheduler: SchedulerHandle, job: string, { ancestors, descendants }: Asked): Set<string> {
  scheduler.job(job);
  const { parentsOf, childrenOf } = scheduler.look();
  return new Set([...reach(job, parentsOf, ancestors), ...reach(job, childrenOf, descendants)]);
}

/** All that `next` leads to in at most `steps` steps, the start included. */
function reach(start: string, next: (name: string) => readonly string[], steps = Number.POSITIVE_INFINITY) {
  const seen = new Set([start]);
  let edge: readonly string[] = [start];
  for (let step = 0; step < steps && edge.length > 0; step++) {
    edge = [...new Set(edge.flatMap(next))].filter((name) => !seen.has(name));
    for (const name of edge) seen.add(name);
  }
  return seen;
}

function graphOf(scheduler: SchedulerHandle, views: ReadonlyMap<string, JobView>): Graph {
  const now = scheduler.now();
  const { lacking } = scheduler.look();
  const linked = new Edges();
  for (const { job, parents } of views.values()) {
    const within = parents.filter((parent) => views.has(parent));
    if (within.length > 0) linked.setParents(job.name, within);
  }
  const levels = new Map<string, number>();
  topologicalLevels(linked, views.keys()).forEach((names, level) => {
    for (const name of names) levels.set(name, level);
  });
  const { path, totalMs } = criticalPath(linked, undefined, (name) => {
    const view = views.get(name);
    return view === undefined ? 0 : (runTimes(view.stats).p50Ms ?? 0);
  });
  return {
    nodes: [...views.values()].map((view) => ({
      ...toNode(view),
      late: lateness(view, now, lacking)?.reason ?? null,
      lacking: view.state.join === null ? [] : lackingToWire(lacking(view.job.name)),
      level: levels.get(view.job.name) ?? 0,
    })),
    edges: [...views.keys()].flatMap((name) => linked.parentsOf(name).map((from) => ({ from, to: name }))),
    criticalPath: { jobs: path, p50Ms: totalMs },
  };
}

const lackingToWire = (lacking: readonly Lacking[]): GraphNode['lacking'] =>
  lacking.map(({ due, parents }) => ({ due: iso(due), parents: [...parents] }));

function toNode(view: JobView): Omit<GraphNode, 'level' | 'late' | 'lacking'> {
  const { job, state, status, schedule, nextDue, runs } = view;
  const { p50Ms, p95Ms } = runTimes(view.stats);
  return {
    p50Ms,
    p95Ms,
    name: job.name,
    kind: schedule !== null ? 'time' : job.definition.schedule?.after === undefined ? 'manual' : 'after',
    owner: job.definition.owner ?? null,
    labels: job.definition.labels ?? {},
    status,
    last: lastToWire(state.last),
    nextDue: isoOrNull(nextDue),
    running: runs.filter((run) => isRunning(run.state)).length,
    waiting: runs.filter((run) => isWaiting(run.state)).length,
    consecutiveFailures: state.consecutiveFailures,
  };
}

function stateOf({ running, waiting, status }: GraphNode): string {
  if (running > 0) return `${running} running`;
  if (waiting > 0) return 'queued';
  return status === 'active' ? 'idle' : status;
}

function tooLarge(): CarillonError {
  return new CarillonError('LIMIT_EXCEEDED', `The graph has more than ${apiLimits.graphNodes} jobs.`, {
    field: 'job',
    allowed: `at most ${apiLimits.graphNodes} jobs: choose some with job, label or linked=true`,
    source: 'query',
  });
}
