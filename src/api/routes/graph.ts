/** The dependency graph, as JSON and as DOT. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { toDot } from '../../dag/export.ts';
import { CarillonError } from '../../errors.ts';
import type { JobView } from '../../scheduler/handle.ts';
import { textOrNull } from '../../scheduler/model/reason.ts';
import { isRunning, isWaiting } from '../../scheduler/model/run-state.ts';
import { type GraphJob, graphOf, type JobGraph, relatives } from '../../scheduler/read/graph.ts';
import { runTimes } from '../../scheduler/stats/run-times.ts';
import { type ApiContext, type Reading, readingFor } from '../context.ts';
import { answers, labelFilter, query } from '../endpoint.ts';
import { jobsThat } from '../lists/job-filter.ts';
import { sendLong, sendParts } from '../long-answer.ts';
import { iso, isoOrNull } from '../wire/instants.ts';
import { apiLimits } from '../wire/limits.ts';
import { reasonToWire } from '../wire/reason.ts';
import { ref } from '../wire/shape.ts';
import { labelsToWire, lastToWire } from '../wire/to-wire.ts';
import { type WireGraph as Graph, type WireGraphNode as GraphNode, WireGraph } from '../wire/views.ts';

const tags = ['graph'];

const depth = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: apiLimits.graphNodes, description }));

const GraphQuery = query({
  job: Type.Optional(
    Type.String({ maxLength: 128, description: 'This job with all its ancestors and descendants.' }),
  ),
  ancestors: depth('With job: maximum distance of ancestors. Default: no limit.'),
  descendants: depth('With job: maximum distance of descendants. Default: no limit.'),
  label: labelFilter,
  linked: Type.Optional(Type.Boolean({ description: 'Only jobs that have a parent or a child.' })),
});
type Asked = Static<typeof GraphQuery>;

export function graphRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Querystring: Asked }>(
    '/graph',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'Read the dependency graph',
        description: `Default: all jobs. At most ${apiLimits.graphNodes} jobs.`,
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
      const reading = readingFor(context, request);
      const { jobs, edges, criticalPath } = await graphThat(reading, request.query);
      return sendLong(reply, context, {
        nodes: await context.turns.each(jobs, toNode),
        edges,
        criticalPath: { jobs: criticalPath.path, p50Ms: criticalPath.totalMs },
      } satisfies Graph);
    },
  );

  app.get<{ Querystring: Asked }>(
    '/graph.dot',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'Read the dependency graph for Graphviz',
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
      const { jobs, edges } = await graphThat(readingFor(context, request), request.query);
      reply.type('text/vnd.graphviz; charset=utf-8');
      const nodes = jobs.map(({ view }) => ({ name: view.job.name, state: stateOf(view) }));
      return sendParts(reply, context, toDot({ nodes, edges }));
    },
  );
}

async function graphThat(reading: Reading, asked: Asked): Promise<JobGraph> {
  const { scheduler, turns } = reading;
  const views = await viewsThat(reading, asked);
  return turns.drive(graphOf(scheduler.reader(), views, scheduler.now()));
}

/** JOB_NOT_FOUND, LIMIT_EXCEEDED. */
async function viewsThat(reading: Reading, asked: Asked): Promise<Map<string, JobView>> {
  const { job, label, linked = false } = asked;
  const views = new Map<string, JobView>();
  const related = job === undefined ? null : await relativesOf(reading, job, asked);
  for await (const view of jobsThat(reading, label === undefined ? {} : { label })) {
    if (related !== null && !related.has(view.job.name)) continue;
    if (linked && view.parents.length === 0 && view.children.length === 0) continue;
    if (views.size === apiLimits.graphNodes) throw tooLarge();
    views.set(view.job.name, view);
  }
  return views;
}

/** JOB_NOT_FOUND. */
function relativesOf({ scheduler, turns }: Reading, job: string, asked: Asked): Promise<ReadonlySet<string>> {
  scheduler.job(job);
  return turns.drive(relatives(scheduler.reader(), job, asked));
}

function toNode({ view, late, lacking, heldBackBy, level }: GraphJob): GraphNode {
  const { job, state, status, schedule, nextDue } = view;
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
    ...countsOf(view),
    consecutiveFailures: state.consecutiveFailures,
    late: textOrNull(late),
    lateWhy: late && reasonToWire(late),
    lacking: lacking.map(({ due, parents }) => ({ due: iso(due), parents: [...parents] })),
    heldBackBy: [...heldBackBy],
    level,
  };
}

const countsOf = ({ runs }: JobView) => ({
  running: runs.filter((run) => isRunning(run.state)).length,
  waiting: runs.filter((run) => isWaiting(run.state)).length,
});

function stateOf(view: JobView): string {
  const { running, waiting } = countsOf(view);
  if (running > 0) return `${running} running`;
  if (waiting > 0) return 'queued';
  return view.status === 'active' ? 'idle' : view.status;
}

function tooLarge(): CarillonError {
  return new CarillonError('LIMIT_EXCEEDED', `The graph has more than ${apiLimits.graphNodes} jobs.`, {
    field: 'job',
    allowed: `at most ${apiLimits.graphNodes} jobs: select some with job, label or linked=true`,
    source: 'query',
  });
}
