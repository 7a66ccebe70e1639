/** Runs: trigger, list, read, kill and rerun. */

import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Static, Type } from 'typebox';
import { CarillonError } from '../../errors.ts';
import { oneOf } from '../../scheduler/job/definition.ts';
import { endStates, liveStates, type Run } from '../../scheduler/model/model.ts';
import { textOrNull } from '../../scheduler/model/reason.ts';
import { type ApiContext, type Reading, readingFor, requestedBy } from '../context.ts';
import { answers, type Identified, identified, type Named, named, paging, query, span } from '../endpoint.ts';
import { readChildren } from '../lists/pipelines.ts';
import { listRuns } from '../lists/run-list.ts';
import { sendLong } from '../long-answer.ts';
import { triggerId } from '../trigger-id.ts';
import { readSpan } from '../wire/instants.ts';
import { apiLimits } from '../wire/limits.ts';
import { reasonToWire } from '../wire/reason.ts';
import { type WireRun as Out, WireRun, WireRunList, WireTrigger } from '../wire/schema.ts';
import { ref } from '../wire/shape.ts';
import { WireStart, WireTriggerMany } from '../wire/starts.ts';
import { runToWire } from '../wire/to-wire.ts';

const tags = ['runs'];
const runStates = [...liveStates, ...endStates] as const;

const state = Type.Optional(
  Type.Array(oneOf(runStates), { maxItems: runStates.length, description: 'Any of these states.' }),
);
const OfJob = query({ state, ...span, ...paging });
const StartQuery = query({
  dryRun: Type.Optional(
    Type.Boolean({ description: 'Show which jobs would start and which would follow, and start nothing.' }),
  ),
});
const OfAll = query({
  job: Type.Optional(
    Type.String({ maxLength: 128, description: 'Only runs of this job, which may be deleted.' }),
  ),
  state,
  ...span,
  ...paging,
});

const partOfHistory =
  'A request reads a bounded part of the history, so a page may have fewer runs than its limit, or none, although others ' +
  'follow: next says so.';

export function runRoutes(app: FastifyInstance, context: ApiContext): void {
  const { as } = context;

  app.post<{ Params: Named; Body: WireTrigger | undefined }>(
    '/jobs/:name/trigger',
    {
      config: { needs: 'operate' },
      schema: {
        summary: 'Trigger a job now',
        description:
          'Responds once the run is recorded. Repeating the request with the same Idempotency-Key ' +
          'returns the same run.',
        tags,
        operationId: 'triggerJob',
        params: named,
        body: WireTrigger,
        response: answers({ 202: { description: 'The new run', schema: ref(WireRun) } }, [
          'INVALID_BODY',
          'JOB_NOT_FOUND',
          'JOB_RUNS_ELSEWHERE',
          'LIMIT_EXCEEDED',
        ]),
      },
    },
    async (request, reply) => {
      const run = await as(request).submit({
        kind: 'trigger',
        name: request.params.name,
        triggerId: triggerId(request),
        params: request.body?.params ?? {},
        by: requestedBy(request),
      });
      return accepted(reply, run);
    },
  );

  startRoute(app, context);

  app.get<{ Params: Named; Querystring: Static<typeof OfJob> }>(
    '/jobs/:name/runs',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List runs of a job',
        description: partOfHistory,
        tags,
        operationId: 'listJobRuns',
        params: named,
        querystring: OfJob,
        response: answers({ 200: { description: 'One page', schema: ref(WireRunList) } }, ['JOB_NOT_FOUND']),
      },
    },
    async (request, reply) => {
      const reading = readingFor(context, request);
      const job = reading.scheduler.job(request.params.name).job.name;
      return sendLong(reply, context, await pageOfRuns(reading, { ...request.query, job }));
    },
  );

  app.get<{ Querystring: Static<typeof OfAll> }>(
    '/runs',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List runs of all jobs',
        description: partOfHistory,
        tags,
        operationId: 'listRuns',
        querystring: OfAll,
        response: answers({ 200: { description: 'One page', schema: ref(WireRunList) } }),
      },
    },
    async (request, reply) =>
      sendLong(reply, context, await pageOfRuns(readingFor(context, request), request.query)),
  );

  oneRun(app, context);
}

function startRoute(app: FastifyInstance, context: ApiContext): void {
  const { as, turns } = context;
  app.post<{ Querystring: Static<typeof StartQuery>; Body: WireTriggerMany }>(
    '/trigger',
    {
      config: { needs: 'operate' },
      schema: {
        summary: 'Start several jobs now, in order',
        description:
          'One atomic decision: everything is recorded, or nothing. Each job runs once. A job starts ' +
          'after those of its parents that this request also runs, directly or through intermediate ' +
          'jobs that depend on nothing else. All other jobs start at once. Responds once this is ' +
          'recorded. Repeating the request with the same Idempotency-Key and the same jobs returns the ' +
          'same start.',
        tags,
        operationId: 'triggerJobs',
        querystring: StartQuery,
        body: WireTriggerMany,
        response: answers(
          {
            200: { description: 'What would start and follow', schema: ref(WireStart) },
            202: { description: 'What starts and follows', schema: ref(WireStart) },
          },
          ['INVALID_BODY', 'JOB_NOT_FOUND', 'JOB_RUNS_ELSEWHERE', 'LIMIT_EXCEEDED'],
        ),
      },
    },
    async (request, reply) => {
      const { dryRun = false } = request.query;
      const names = [...new Set(request.body.jobs)].sort();
      const started = await as(request).submit({
        kind: 'start',
        names,
        ...(request.body.params !== undefined && { params: request.body.params }),
        triggerId: triggerId(request, names),
        dryRun,
        by: requestedBy(request),
      });
      const following = started.filter(({ after }) => after.length > 0).length;
      const answer: WireStart = {
        dryRun,
        counts: { started: started.length - following, following },
        jobs: await turns.each(started, ({ run, skip, ...job }) => ({
          ...job,
          skip: textOrNull(skip),
          skipWhy: skip && reasonToWire(skip),
          after: [...job.after],
          others: [...job.others],
          run: run === null ? null : runToWire(run),
        })),
      };
      return sendLong(reply.code(dryRun ? 200 : 202), context, answer);
    },
  );
}

function oneRun(app: FastifyInstance, context: ApiContext): void {
  const { as } = context;
  app.get<{ Params: Identified }>(
    '/runs/:id',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'Read a run',
        tags,
        operationId: 'getRun',
        params: identified,
        response: answers({ 200: { description: 'The run', schema: ref(WireRun) } }, ['RUN_NOT_FOUND']),
      },
    },
    async (request) => {
      const reading = readingFor(context, request);
      const run = await reading.scheduler.run(request.params.id);
      const children = await readChildren(reading, run);
      return { ...runToWire(run), children: children.map(({ id, job, state }) => ({ id, job, state })) };
    },
  );

  app.post<{ Params: Identified }>(
    '/runs/:id/kill',
    {
      config: { needs: 'operate' },
      schema: {
        summary: 'Kill an unfinished run',
        description: 'Sends TERM, then KILL after policy.killAfter. Responds once the request is recorded.',
        tags,
        operationId: 'killRun',
        params: identified,
        response: answers({ 202: { description: 'The run', schema: ref(WireRun) } }, [
          'RUN_NOT_FOUND',
          'RUN_ENDED',
          'JOB_RUNS_ELSEWHERE',
        ]),
      },
    },
    async (request, reply) => {
      // Only the archive knows whether the run has ended or never existed.
      const scheduler = as(request);
      const { id } = await scheduler.run(request.params.id);
      return accepted(reply, await scheduler.submit({ kind: 'kill', runId: id, by: requestedBy(request) }));
    },
  );

  app.post<{ Params: Identified }>(
    '/runs/:id/rerun',
    {
      config: { needs: 'operate' },
      schema: {
        summary: 'Run an ended run again',
        description: 'For the same due time and with the same parameters. Downstream jobs follow.',
        tags,
        operationId: 'rerun',
        params: identified,
        response: answers({ 202: { description: 'The new run', schema: ref(WireRun) } }, [
          'RUN_NOT_FOUND',
          'RUN_NOT_ENDED',
          'JOB_NOT_FOUND',
          'JOB_RUNS_ELSEWHERE',
        ]),
      },
    },
    async (request, reply) => {
      const scheduler = as(request);
      const run = await scheduler.run(request.params.id);
      if (run.endedAt === null) throw notEnded(run);
      const rerun = { kind: 'rerun', run, triggerId: triggerId(request), by: requestedBy(request) } as const;
      return accepted(reply, await scheduler.submit(rerun));
    },
  );
}

function accepted(reply: FastifyReply, run: Run): Out {
  reply.code(202).header('location', `/api/v1/runs/${encodeURIComponent(run.id)}`);
  return runToWire(run);
}

async function pageOfRuns(
  reading: Reading,
  asked: Static<typeof OfAll>,
): Promise<Static<typeof WireRunList>> {
  const { job, state: states, limit = apiLimits.defaultPage, cursor } = asked;
  const { items, next } = await listRuns(reading, {
    ...readSpan(asked),
    limit,
    ...(job !== undefined && { job }),
    ...(states !== undefined && { states }),
    ...(cursor !== undefined && { cursor }),
  });
  return { items: await reading.turns.each(items, runToWire), next };
}

function notEnded(run: Run): CarillonError {
  return new CarillonError(
    'RUN_NOT_ENDED',
    `Run ${run.id} is ${run.state}. Only an ended run can be run again.`,
    {
      field: 'id',
      value: run.id,
      allowed: [...endStates],
      source: 'path',
    },
  );
}
