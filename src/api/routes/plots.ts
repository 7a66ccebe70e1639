/** Plots: percentiles by day, distributions, the slowest and most failing jobs, and runs over time. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { CarillonError } from '../../errors.ts';
import { oneOf } from '../../scheduler/job/definition.ts';
import { positiveDurationForm } from '../../scheduler/job/schema/forms.ts';
import { published } from '../../scheduler/job/schema/published.ts';
import { runRate, type StepSpan, wholeSteps } from '../../scheduler/read/rate.ts';
import { type TopOrder, topJobs, topOrders } from '../../scheduler/read/top.ts';
import { durationMs } from '../../scheduler/schedule/period.ts';
import { runTimes } from '../../scheduler/stats/run-times.ts';
import { allTime, bucketsOf, emptyHistograms, mergePacked, summarise } from '../../scheduler/stats/stats.ts';
import { type ApiContext, type Reading, readingFor } from '../context.ts';
import { answers, daySpan, type Named, named, query, span } from '../endpoint.ts';
import { runsBetween } from '../lists/past-runs.ts';
import { iso, readDays, readSpan, writable } from '../wire/instants.ts';
import { apiLimits } from '../wire/limits.ts';
import {
  type WireRate as Rate,
  type WireTop as Top,
  WireRate,
  WireRunDays,
  WireRunDistribution,
  WireTop,
} from '../wire/plots.ts';
import { ref } from '../wire/shape.ts';
import { labelsToWire, lastToWire, summaryToWire } from '../wire/to-wire.ts';
import { measures } from '../wire/views.ts';

const tags = ['statistics'];
const hourMs = 3_600_000;

const DaysQuery = query(daySpan);
const DistributionQuery = query({
  measure: Type.Optional(oneOf(measures, { description: 'Default: runTime.' })),
  ...daySpan,
});
const TopQuery = query({
  by: Type.Optional(oneOf(topOrders, { description: 'Default: p95 of the run time.' })),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: apiLimits.page,
      description: 'Maximum number of jobs. Default: 10.',
    }),
  ),
});
const RateQuery = query({
  ...span,
  step: Type.Optional(
    Type.String({
      maxLength: 64,
      description: 'Length of a step, an ISO 8601 duration. Default: PT1M.',
      ...published({ pattern: positiveDurationForm }),
    }),
  ),
});
type Asked = Static<typeof RateQuery>;

export function plotRoutes(app: FastifyInstance, context: ApiContext): void {
  ofOneJob(app, context);
  ofAllJobs(app, context);
}

function ofOneJob(app: FastifyInstance, { as, turns }: ApiContext): void {
  app.get<{ Params: Named; Querystring: Static<typeof DaysQuery> }>(
    '/jobs/:name/stats/days',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'Read percentiles of a job by day',
        description: `From the histograms of each day. Default: the last 30 days; at most ${apiLimits.days}.`,
        tags,
        operationId: 'getJobDays',
        params: named,
        querystring: DaysQuery,
        response: answers({ 200: { description: 'In milliseconds', schema: ref(WireRunDays) } }, [
          'JOB_NOT_FOUND',
        ]),
      },
    },
    async (request) => {
      const scheduler = as(request);
      const { job } = scheduler.job(request.params.name);
      const { fromDay, toDay } = readDays(request.query, scheduler.now());
      const days = await scheduler.archive.days({ job: job.name, fromDay, toDay });
      return {
        job: job.name,
        from: fromDay,
        to: toDay,
        days: await turns.each(days, ({ day, histograms: { runTime, startLateness } }) => ({
          day,
          runTime: summaryToWire(summarise(runTime)),
          startLateness: summaryToWire(summarise(startLateness)),
        })),
      };
    },
  );

  app.get<{ Params: Named; Querystring: Static<typeof DistributionQuery> }>(
    '/jobs/:name/stats/distribution',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'Read the histogram of a job',
        description: `Default: all-time. from and to select at most ${apiLimits.days} days.`,
        tags,
        operationId: 'getJobDistribution',
        params: named,
        querystring: DistributionQuery,
        response: answers({ 200: { description: 'The histogram', schema: ref(WireRunDistribution) } }, [
          'JOB_NOT_FOUND',
        ]),
      },
    },
    async (request) => {
      const { measure = 'runTime', ...asked } = request.query;
      const scheduler = as(request);
      const { job, stats } = scheduler.job(request.params.name);
      const said = asked.from !== undefined || asked.to !== undefined;
      const packed = said
        ? mergePacked(
            (await scheduler.archive.days({ job: job.name, ...readDays(asked, scheduler.now()) })).map(
              ({ histograms }) => histograms[measure],
            ),
          )
        : (stats === null ? emptyHistograms : allTime(stats))[measure];
      return {
        job: job.name,
        measure,
        summary: summaryToWire(summarise(packed)),
        buckets: bucketsOf(packed),
      };
    },
  );
}

function ofAllJobs(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Querystring: Static<typeof TopQuery> }>(
    '/stats/top',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List the slowest or most failing jobs',
        tags,
        operationId: 'getTop',
        querystring: TopQuery,
        response: answers({ 200: { description: 'The jobs, largest value first', schema: ref(WireTop) } }),
      },
    },
    async (request) => {
      const { by = 'p95', limit = 10 } = request.query;
      return { by, items: await top(readingFor(context, request), by, limit) };
    },
  );

  app.get<{ Querystring: Asked }>(
    '/stats/rate',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'Count runs over time by end state',
        description:
          `Counted by due time. Default: the last hour. At most ${apiLimits.steps} steps, and the ` +
          `newest ${apiLimits.plottedRuns} runs. complete is false if runs were left out.`,
        tags,
        operationId: 'getRate',
        querystring: RateQuery,
        response: answers({ 200: { description: 'The steps', schema: ref(WireRate) } }),
      },
    },
    async (request) => rate(readingFor(context, request), request.query),
  );
}

async function top({ scheduler, turns }: Reading, by: TopOrder, limit: number): Promise<Top['items']> {
  const found = await turns.drive(topJobs(scheduler.reader(), { by, most: limit }));
  return found.map(({ job: { job, state, stats }, value }) => {
    const { p50Ms, p95Ms } = runTimes(stats);
    return {
      job: job.name,
      owner: labelsToWire(job).owner,
      value,
      p50Ms,
      p95Ms,
      succeeded: state.succeeded,
      failed: state.failed,
      last: lastToWire(state.last),
    };
  });
}

async function rate(reading: Reading, asked: Asked): Promise<Rate> {
  const span = spanOf(asked, reading.scheduler.now());
  const { fromMs, toMs, stepMs } = span;
  const { runs, knownFromMs } = await runsBetween(reading, { fromMs, toMs });
  const steps = await reading.turns.drive(runRate(runs, span));
  return {
    from: iso(fromMs),
    to: iso(toMs),
    stepMs,
    complete: knownFromMs <= fromMs,
    knownFrom: iso(knownFromMs),
    steps: steps.map(({ at, ended, unfinished }) => ({ at: iso(at), ended, unfinished })),
  };
}

function spanOf(asked: Asked, now: number): StepSpan {
  const stepMs = durationMs(asked.step ?? 'PT1M', 'step');
  const said = readSpan(asked);
  const to = said.toMs ?? now + 1;
  const whole = wholeSteps({ fromMs: said.fromMs ?? to - hourMs, toMs: to, stepMs });
  const fromMs = writable(whole.fromMs);
  const toMs = writable(whole.toMs);
  if (stepMs > 0 && (toMs - fromMs) / stepMs <= apiLimits.steps) return { fromMs, toMs, stepMs };
  const allowed = `a longer duration: at most ${apiLimits.steps} steps between from and to`;
  throw new CarillonError('INVALID_FIELD', `step is ${asked.step ?? 'PT1M'}. Allowed: ${allowed}.`, {
    field: 'step',
    value: asked.step ?? 'PT1M',
    allowed,
    source: 'query',
  });
}
