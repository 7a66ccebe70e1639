/** Pipelines: list, read, end, and run again what failed. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { rerunVariant } from '../../scheduler/model/ids.ts';
import type { Run } from '../../scheduler/model/model.ts';
import { firstFailures, type Pipeline } from '../../scheduler/read/pipeline.ts';
import { type ApiContext, type Reading, readingFor, requestedBy } from '../context.ts';
import { answers, type Identified, identified, paging, query, span } from '../endpoint.ts';
import { readPipeline } from '../lists/pipelines.ts';
import { listRuns } from '../lists/run-list.ts';
import { sendLong } from '../long-answer.ts';
import { triggerId } from '../trigger-id.ts';
import { readSpan } from '../wire/instants.ts';
import {
  type WirePipelineList as List,
  pipelineToWire,
  WirePipelineList,
  WireWholePipeline,
  wholePipelineToWire,
} from '../wire/pipelines.ts';
import { ref } from '../wire/shape.ts';

const tags = ['pipelines'];
const DEFAULT_PAGE = 20;
const MOST_LISTED = 100;

const ListQuery = query({
  job: Type.Optional(
    Type.String({ maxLength: 128, description: 'Only pipelines that begin with this job.' }),
  ),
  ...span,
  ...paging,
});

export function pipelineRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/pipelines',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List pipelines',
        description:
          'A pipeline is a run of a job that has no parents and has children, with all that follows from it. Newest due time ' +
          `first, at most ${MOST_LISTED}. A request reads a bounded part of the history, so a page may have fewer than its limit, ` +
          'or none, although others follow: next says so.',
        tags,
        operationId: 'listPipelines',
        querystring: ListQuery,
        response: answers({ 200: { description: 'One page', schema: ref(WirePipelineList) } }, [
          'JOB_NOT_FOUND',
        ]),
      },
    },
    async (request, reply) =>
      sendLong(reply, context, await pageOf(readingFor(context, request), request.query)),
  );
  app.get<{ Params: Identified }>(
    '/pipelines/:id',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'Read a pipeline',
        description:
          'The id is that of the run that began it. Any other run gives what follows from that run.',
        tags,
        operationId: 'getPipeline',
        params: identified,
        response: answers({ 200: { description: 'The pipeline', schema: ref(WireWholePipeline) } }, [
          'RUN_NOT_FOUND',
        ]),
      },
    },
    async (request, reply) => {
      const reading = readingFor(context, request);
      return sendLong(reply, context, whole(reading, await found(reading, request.params.id)));
    },
  );
  changeRoutes(app, context);
}

function changeRoutes(app: FastifyInstance, context: ApiContext): void {
  app.post<{ Params: Identified }>(
    '/pipelines/:id/kill',
    {
      config: { needs: 'operate' },
      schema: {
        summary: 'End a pipeline',
        description:
          'Kills its unfinished runs in one decision. Nothing follows from them, whatever waits for them.',
        tags,
        operationId: 'killPipeline',
        params: identified,
        response: answers({ 202: { description: 'The pipeline', schema: ref(WireWholePipeline) } }, [
          'RUN_NOT_FOUND',
          'RUN_ENDED',
        ]),
      },
    },
    async (request, reply) => {
      const reading = readingFor(context, request);
      const pipeline = await found(reading, request.params.id);
      const { root, parts } = pipeline;
      const members = parts.flatMap(({ run }) => (run === null ? [] : [run.id]));
      const by = requestedBy(request);
      await reading.scheduler.submit({ kind: 'kill-pipeline', run: root, members, by });
      return sendLong(reply.code(202), context, whole(reading, await readPipeline(reading, root)));
    },
  );
  app.post<{ Params: Identified }>(
    '/pipelines/:id/rerun',
    {
      config: { needs: 'operate' },
      schema: {
        summary: 'Run again what failed of a pipeline',
        description:
          'The failed runs above which nothing failed, in one decision; the others follow from them. Repeating the request ' +
          'with the same Idempotency-Key runs nothing twice.',
        tags,
        operationId: 'rerunPipeline',
        params: identified,
        response: answers({ 202: { description: 'The pipeline', schema: ref(WireWholePipeline) } }, [
          'RUN_NOT_FOUND',
          'NOTHING_FAILED',
          'JOB_NOT_FOUND',
          'JOB_RUNS_ELSEWHERE',
        ]),
      },
    },
    async (request, reply) => {
      const reading = readingFor(context, request);
      const pipeline = await found(reading, request.params.id);
      const { root } = pipeline;
      const key = triggerId(request);
      // The request was carried out before, and its answer was lost.
      if (!pipeline.parts.some(({ run }) => run?.variant === rerunVariant(key))) {
        const runs = firstFailures(pipeline);
        const by = requestedBy(request);
        await reading.scheduler.submit({ kind: 'rerun-pipeline', run: root, runs, triggerId: key, by });
      }
      return sendLong(reply.code(202), context, whole(reading, await readPipeline(reading, root)));
    },
  );
}

/** RUN_NOT_FOUND. */
const found = async (reading: Reading, id: string): Promise<Pipeline> =>
  readPipeline(reading, await reading.scheduler.run(id));

const knownOf = ({ scheduler }: Reading, { job }: Run) => ({
  root: scheduler.reader().glance(job),
  now: scheduler.now(),
});

const whole = (reading: Reading, pipeline: Pipeline): WireWholePipeline =>
  wholePipelineToWire(pipeline, knownOf(reading, pipeline.root));

async function pageOf(reading: Reading, asked: Static<typeof ListQuery>): Promise<List> {
  const { scheduler, turns } = reading;
  const { job, limit = DEFAULT_PAGE, cursor } = asked;
  if (job !== undefined) scheduler.job(job);
  const { items, next } = await listRuns(reading, {
    ...readSpan(asked),
    limit: Math.min(limit, MOST_LISTED),
    ...(job !== undefined && { job }),
    ...(cursor !== undefined && { cursor }),
  });
  const { childrenOf, parentsOf } = scheduler.reader();
  const roots = items.filter(
    ({ job: name, trigger }) =>
      trigger.kind !== 'rerun' &&
      childrenOf(name).length > 0 &&
      (job !== undefined || parentsOf(name).length === 0),
  );
  const turn = await turns.begin();
  const pipelines: List['items'] = [];
  for (const root of roots) {
    pipelines.push(pipelineToWire(await readPipeline(reading, root), knownOf(reading, root)));
    await turn.next();
  }
  return { items: pipelines, next };
}
