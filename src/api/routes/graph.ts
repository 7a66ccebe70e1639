/** The dependencies, as JSON and as DOT. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { toDot } from '../../dag/export.ts';
import { Graph as Edges } from '../../dag/graph.ts';
import { topologicalLevels } from '../../dag/order.ts';
import { criticalPath } from '../../dag/path.ts';
import { CarillonError } from '../../errors.ts';
import type { JobView, Lacking, SchedulerHandle, Steps } from '../../scheduler/handle.ts';
import { HeldBack } from '../../scheduler/read/held-back.ts';
import { lateness } from '../../scheduler/read/late.ts';
import { runTimes } from '../../scheduler/stats/run-times.ts';
import type { ApiContext, Reading } from '../context.ts';
import { answers, labelFilter, query } from '../endpoint.ts';
import { jobsThat } from '../lists/job-filter.ts';
import { sendLong, sendParts } from '../long-answer.ts';
import { iso, isoOrNull } from '../wire/instants.ts';
import { apiLimits } from '../wire/limits.ts';
import { ref } from '../wire/shape.ts';
import { isRunning, isWaiting, labelsToWire, lastToWire } from '../wire/to-wire.ts';
import { type WireGraph as Graph, type WireGraphNode as GraphNode, WireGraph } from '../wire/views.ts';

const tags = ['graph'];

const depth = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: apiLimits.graphNodes, description }));

const GraphQuery = query({
  job: Type.Optional(
    Type.String({ maxLength: 128, description: 'This job with all it waits for and all that waits for it.' }),
  ),
  ancestors: depth('With job: how far up. Default: all the way.'),
  descendants: depth('With job: how far down. Default: all the way.'),
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
        description: `Default: all jobs. At most ${apiLimits.graphNodes} of them.`,
        tags,
        operationId: 'getGraph',
        querystring: GraphQuery,
        response: answers({ 200: { description: 'Nodes and edges', schema: ref(WireGraph) } }, [
          'JOB_NOT_FOUND',
          'LIMIT_EXCEEDED',
        ]),
      },
    },
    async (request, reply) => {
      const views = await nodesThat(context, request.query);
      return sendLong(reply, context.turns, await context.turns.drive(graphOf(context.scheduler, views)));
    },
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
      const { scheduler, turns } = context;
      const views = await nodesThat(context, request.query);
      const { nodes, edges } = await turns.drive(graphOf(scheduler, views));
      reply.type('text/vnd.graphviz; charset=utf-8');
      const states = nodes.map((node) => ({ name: node.name, state: stateOf(node) }));
      return sendParts(reply, turns, toDot({ nodes: states, edges }));
    },
  );
}

async function nodesThat(reading: Reading, asked: Asked): Promise<Map<string, JobView>> {
  const { job, label, linked = false } = asked;
  const nodes = new Map<string, JobView>();
  const related = job === undefined ? null : relatives(reading.scheduler, job, asked);
  for await (const view of jobsThat(reading, label === undefined ? {} : { label })) {
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

function* graphOf(scheduler: SchedulerHandle, views: ReadonlyMap<string, JobView>): Steps<Graph> {
  const now = scheduler.now();
  const look = scheduler.look();
  const { lacking } = look;
  const heldBack = new HeldBack(look);
  const linked = new Edges();
  for (const { job, parents } of views.values()) {
    const within = parents.filter((parent) => views.has(parent));
    if (within.length > 0) linked.setParents(job.name, within);
    yield;
  }
  const levels = new Map<string, number>();
  for (const [level, names] of (yield* topologicalLevels(linked, views.keys())).entries())
    for (const name of names) levels.set(name, level);
  const { path, totalMs } = yield* criticalPath(linked, undefined, (name) => {
    const view = views.get(name);
    return view === undefined ? 0 : (runTimes(view.stats).p50Ms ?? 0);
  });
  const nodes: GraphNode[] = [];
  const edges: Graph['edges'] = [];
  for (const view of views.values()) {
    const { name } = view.job;
    nodes.push({
      ...toNode(view),
      late: lateness(view, now, lacking)?.reason ?? null,
      lacking: view.state.join === null ? [] : lackingToWire(lacking(name)),
      heldBackBy: [...heldBack.by(name)],
      level: levels.get(name) ?? 0,
    });
    for (const from of linked.parentsOf(name)) edges.push({ from, to: name });
    yield;
  }
  return {
    nodes,
    edges,
    criticalPath: { jobs: path, p50Ms: totalMs },
  };
}

const lackingToWire = (lacking: readonly Lacking[]): GraphNode['lacking'] =>
  lacking.map(({ due, parents }) => ({ due: iso(due), parents: [...parents] }));

function toNode(view: JobView): Omit<GraphNode, 'level' | 'late' | 'lacking' | 'heldBackBy'> {
  const { job, state, status, schedule, nextDue, runs } = view;
  const { p50Ms, p95Ms } = runTimes(view.stats);
  return {
    p50Ms,
    p95Ms,
    name: job.name,
    kind: schedule !== null ? 'time' : job.definition.schedule?.after === undefined ? 'manual' : 'after',
    ...labelsToWire(job),
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
