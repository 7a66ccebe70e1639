/** The dependencies, as JSON and as DOT. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { toDot } from '../../dag/export.ts';
import { Graph as Edges } from '../../dag/graph.ts';
import { topologicalLevels } from '../../dag/order.ts';
import { criticalPath } from '../../dag/path.ts';
import { CarillonError } from '../../errors.ts';
import type { JobView } from '../../scheduler/handle.ts';
import { percentileOf } from '../../scheduler/stats.ts';
import type { ApiContext } from '../context.ts';
import { answers, labelFilter, query } from '../endpoint.ts';
import { isoOrNull } from '../instants.ts';
import { jobsThat } from '../job-filter.ts';
import { apiLimits } from '../limits.ts';
import { type WireGraph as Graph, type WireGraphNode as GraphNode, WireGraph } from '../schema-views.ts';
import { ref } from '../shape.ts';
import { isRunning, isWaiting, lastToWire } from '../to-wire.ts';

const tags = ['graph'];

const GraphQuery = query({
  job: Type.Optional(
    Type.String({ maxLength: 128, description: 'This job with all it waits for and all that waits for it.' }),
  ),
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
    async (request) => graphOf(await nodesThat(context, request.query)),
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
      const { nodes, edges } = graphOf(await nodesThat(context, request.query));
      reply.type('text/vnd.graphviz; charset=utf-8');
      return toDot({ nodes: nodes.map((node) => ({ name: node.name, state: stateOf(node) })), edges });
    },
  );
}

async function nodesThat(
  context: ApiContext,
  { job, label, linked = false }: Asked,
): Promise<Map<string, JobView>> {
  const { scheduler } = context;
  const nodes = new Map<string, JobView>();
  const related = job === undefined ? null : relatives(context, job);
  for await (const view of jobsThat(scheduler, label === undefined ? {} : { label })) {
    if (related !== null && !related.has(view.job.name)) continue;
    if (linked && view.parents.length === 0 && view.children.length === 0) continue;
    if (nodes.size === apiLimits.graphNodes) throw tooLarge();
    nodes.set(view.job.name, view);
  }
  return nodes;
}

/** The job, its ancestors and its descendants; not the siblings. JOB_NOT_FOUND. */
function relatives({ scheduler }: ApiContext, job: string): Set<string> {
  const { parents, children } = scheduler.job(job);
  const above = new Set(parents);
  for (const name of above) for (const parent of scheduler.job(name).parents) above.add(parent);
  const below = new Set(children);
  for (const name of below) for (const child of scheduler.job(name).children) below.add(child);
  return new Set([job, ...above, ...below]);
}

function graphOf(views: ReadonlyMap<string, JobView>): Graph {
  const linked = new Edges();
  for (const { job, parents } of views.values()) {
    const within = parents.filter((parent) => views.has(parent));
    if (within.length > 0) linked.setParents(job.name, within);
  }
  const levels = new Map<string, number>();
  topologicalLevels(linked, views.keys()).forEach((names, level) => {
    for (const name of names) levels.set(name, level);
  });
  const { path, totalMs } = criticalPath(linked, undefined, (name) => medianMs(views.get(name)));
  return {
    nodes: [...views.values()].map((view) => toNode(view, levels.get(view.job.name) ?? 0)),
    edges: [...views.keys()].flatMap((name) => linked.parentsOf(name).map((from) => ({ from, to: name }))),
    criticalPath: { jobs: path, p50Ms: totalMs },
  };
}

/** Of today, or of the days before where nothing ran today; 0 for what never ran. */
function medianMs(view: JobView | undefined): number {
  const { today, before } = view?.stats ?? {};
  return percentileOf(today?.runTime ?? '', 50) ?? percentileOf(before?.runTime ?? '', 50) ?? 0;
}

function toNode({ job, state, status, schedule, nextDue, runs }: JobView, level: number): GraphNode {
  return {
    level,
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
