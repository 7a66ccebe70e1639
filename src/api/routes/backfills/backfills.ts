/** Backfills: make, list, read, pause, resume, cancel. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { CarillonError } from '../../../errors.ts';
import type { SchedulerHandle } from '../../../scheduler/handle.ts';
import { describe, shorten } from '../../../scheduler/job/schema/explain.ts';
import type { ParamValue } from '../../../scheduler/job/schema/params.ts';
import type { Backfill, BackfillOptions } from '../../../scheduler/model/backfill.ts';
import { SYSTEM_OWNER } from '../../../scheduler/model/ids.ts';
import { expectedMs } from '../../../scheduler/read/backfill.ts';
import { backfillNotFound } from '../../../scheduler/rules/backfill/commands.ts';
import { runTimes } from '../../../scheduler/stats/run-times.ts';
import { type ApiContext, readingFor, requestedBy } from '../../context.ts';
import { answers, type Identified, identified, query } from '../../endpoint.ts';
import { sendLong } from '../../long-answer.ts';
import { triggerId } from '../../trigger-id.ts';
import {
  backfillToWire,
  stepsToWire,
  WireBackfill,
  WireBackfillList,
  WireBackfillPlan,
  WireNewBackfill,
} from '../../wire/backfills.ts';
import { iso, readInstant, reversed } from '../../wire/instants.ts';
import { ref } from '../../wire/shape.ts';
import { chooseTargets } from './choose.ts';

const tags = ['backfills'];
/** Ended ones that are listed and found. */
const MAX_ENDED = 200;

const MakeQuery = query({
  dryRun: Type.Optional(
    Type.Boolean({ description: 'Show the steps and how long they take, and run nothing.' }),
  ),
});

export function backfillRoutes(app: FastifyInstance, context: ApiContext): void {
  makeRoute(app, context);
  readRoutes(app, context);
  for (const does of ['pause', 'resume', 'cancel'] as const) changeRoute(app, context, does);
}

function makeRoute(app: FastifyInstance, context: ApiContext): void {
  app.post<{ Querystring: Static<typeof MakeQuery>; Body: WireNewBackfill }>(
    '/backfills',
    {
      config: { needs: 'operate' },
      schema: {
        summary: 'Run due times of the past again',
        description:
          'A backfill is below everything else in every queue. Responds once it is recorded. Repeating the ' +
          'request with the same Idempotency-Key returns the same backfill.',
        tags,
        operationId: 'makeBackfill',
        querystring: MakeQuery,
        body: WireNewBackfill,
        response: answers(
          {
            200: { description: 'What would run', schema: ref(WireBackfillPlan) },
            202: { description: 'The backfill', schema: ref(WireBackfill) },
          },
          [
            ...(['INVALID_BODY', 'MISSING_FIELD', 'NO_DUE_TIMES', 'JOB_NOT_FOUND'] as const),
            ...(['JOB_RUNS_ELSEWHERE', 'BACKFILL_OVERLAPS', 'LIMIT_EXCEEDED'] as const),
          ],
        ),
      },
    },
    async (request, reply) => {
      const { dryRun = false } = request.query;
      const scheduler = context.as(request);
      const id = triggerId(request);
      const made = dryRun ? null : await endedOf(scheduler, id);
      if (made !== null) return sendBackfill(reply.code(202), context, scheduler, made);
      const options = optionsOf(request.body, scheduler.now());
      const { targets, unfinished } = await chooseTargets(
        readingFor(context, request),
        request.body,
        options,
      );
      const by = requestedBy(request);
      const answer = await scheduler.submit({ kind: 'backfill', id, targets, options, dryRun, by });
      const { backfill, plan, left } = answer;
      if (!dryRun) return sendBackfill(reply.code(202), context, scheduler, { ...backfill, plan });
      return sendLong(reply, context, {
        dryRun,
        steps: stepsToWire(plan, backfill.progress),
        left: [...left],
        unfinished,
        expectedMs: expectedMs(plan, backfill, usualMs(scheduler)),
      });
    },
  );
}

function readRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get(
    '/backfills',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List backfills',
        description: 'Unfinished ones, and the newest of those that have ended; newest first.',
        tags,
        operationId: 'listBackfills',
        response: answers({ 200: { description: 'All of them', schema: ref(WireBackfillList) } }),
      },
    },
    async (request, reply) => {
      const scheduler = context.as(request);
      const open = scheduler.reader().backfills();
      const unfinished = new Set(open.map(({ id }) => id));
      const ended = (await allEnded(scheduler)).filter(({ id }) => !unfinished.has(id));
      const all = [...open, ...ended].sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
      return sendLong(reply, context, {
        items: all.map((each) => toWire(scheduler, each, false)),
        next: null,
      });
    },
  );
  app.get<{ Params: Identified }>(
    '/backfills/:id',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'Read a backfill with its steps',
        tags,
        operationId: 'getBackfill',
        params: identified,
        response: answers({ 200: { description: 'The backfill', schema: ref(WireBackfill) } }, [
          'BACKFILL_NOT_FOUND',
        ]),
      },
    },
    async (request, reply) => {
      const scheduler = context.as(request);
      const { id } = request.params;
      const open = scheduler.reader().backfills();
      const backfill = open.find((each) => each.id === id) ?? (await endedOf(scheduler, id));
      if (backfill === null) throw backfillNotFound(id);
      return sendBackfill(reply, context, scheduler, backfill);
    },
  );
}

const summaries = {
  pause: ['Pause a backfill', 'Runs that have begun run to their end. No step begins until it is resumed.'],
  resume: ['Resume a backfill', 'It continues where it was.'],
  cancel: [
    'Cancel a backfill',
    'Runs that have begun run to their end; those that wait for a slot end as killed. No further step begins.',
  ],
} as const;

function changeRoute(app: FastifyInstance, context: ApiContext, does: 'pause' | 'resume' | 'cancel'): void {
  const [summary, description] = summaries[does];
  app.post<{ Params: Identified }>(
    `/backfills/:id/${does}`,
    {
      config: { needs: 'operate' },
      schema: {
        summary,
        description,
        tags,
        operationId: `${does}Backfill`,
        params: identified,
        response: answers({ 200: { description: 'The backfill', schema: ref(WireBackfill) } }, [
          'BACKFILL_NOT_FOUND',
          'BACKFILL_ENDED',
        ]),
      },
    },
    async (request: FastifyRequest<{ Params: Identified }>, reply) => {
      const scheduler = context.as(request);
      const { id } = request.params;
      if (
        !scheduler
          .reader()
          .backfills()
          .some((each) => each.id === id) &&
        (await endedOf(scheduler, id)) === null
      )
        throw backfillNotFound(id);
      const backfill = await scheduler.submit({ kind: `${does}-backfill`, id, by: requestedBy(request) });
      return sendBackfill(reply, context, scheduler, backfill);
    },
  );
}

function optionsOf(asked: WireNewBackfill, now: number): BackfillOptions {
  const {
    only = [],
    downstream = false,
    atOnce = 1,
    newestFirst = false,
    params = {},
    do: does = 'run',
  } = asked;
  return { ...rangeOf(asked, now), only, downstream, atOnce, newestFirst, params: textsOf(params), does };
}

/** MISSING_FIELD, INVALID_FIELD. */
function rangeOf({ due, from, to }: WireNewBackfill, now: number): Pick<BackfillOptions, 'from' | 'to'> {
  if (due !== undefined) {
    const at = readInstant(due, 'due', 'body');
    if (at > now) throw inFuture('due', due, now);
    return { from: at, to: at + 1 };
  }
  if (from === undefined)
    throw new CarillonError('MISSING_FIELD', 'A backfill needs a range of due times: from, or due.', {
      field: 'from',
      allowed: 'the start of the range',
    });
  const fromMs = readInstant(from, 'from', 'body');
  const toMs = to === undefined ? now : readInstant(to, 'to', 'body');
  if (toMs > now) throw inFuture('to', to ?? '', now);
  if (fromMs >= toMs) throw reversed({ from, to: to ?? iso(now) });
  return { from: fromMs, to: toMs };
}

function inFuture(field: string, value: string, now: number): CarillonError {
  return new CarillonError(
    'INVALID_FIELD',
    `${field} is ${JSON.stringify(value)}, which has not come yet. Allowed: a time up to ${iso(now)}.`,
    { field, value, allowed: `a time up to ${iso(now)}` },
  );
}

const allEnded = ({ archive }: SchedulerHandle): Promise<Backfill[]> =>
  archive.past('backfill-ended', { owner: SYSTEM_OWNER, newestFirst: true, limit: MAX_ENDED });

async function endedOf(scheduler: SchedulerHandle, id: string): Promise<Backfill | null> {
  return (await allEnded(scheduler)).find((each) => each.id === id) ?? null;
}

/** By the usual run time of each job. */
function usualMs(scheduler: SchedulerHandle): (job: string) => number | null {
  const reader = scheduler.reader();
  const known = new Map<string, number | null>();
  return (job) => {
    const kept = known.get(job);
    if (kept !== undefined) return kept;
    const usual = runTimes(reader.glance(job)?.stats ?? null).p50Ms;
    known.set(job, usual);
    return usual;
  };
}

function toWire(scheduler: SchedulerHandle, backfill: Backfill, whole: boolean): WireBackfill {
  const { plan, endedAt } = backfill;
  const left =
    endedAt !== null || plan === undefined || backfill.state === 'cancelling'
      ? null
      : expectedMs(plan, backfill, usualMs(scheduler));
  return backfillToWire(backfill, left, whole);
}

const sendBackfill = (
  reply: FastifyReply,
  context: ApiContext,
  scheduler: SchedulerHandle,
  backfill: Backfill,
) => sendLong(reply, context, toWire(scheduler, backfill, true));

/** Each job reads them as it declares them. */
const textsOf = (params: Readonly<Record<string, ParamValue>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(params).map(([name, value]) => {
      if (['string', 'number', 'boolean'].includes(typeof value)) return [name, String(value)];
      const allowed = 'text, a number, true or false';
      throw new CarillonError('INVALID_FIELD', `params.${name} is ${describe(value)}. Allowed: ${allowed}.`, {
        field: `params.${name}`,
        value: shorten(value),
        allowed,
        source: 'body',
      });
    }),
  );
