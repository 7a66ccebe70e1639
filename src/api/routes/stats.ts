/** Percentiles of one job and of all jobs. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { oneOf } from '../../scheduler/job/definition.ts';
import type { PackedHistogram } from '../../scheduler/model/model.ts';
import { sorted } from '../../scheduler/read/sorted.ts';
import {
  allTime,
  emptyHistograms,
  mergeHistograms,
  mergePacked,
  percentileOf,
  summarise,
} from '../../scheduler/stats/stats.ts';
import { type ApiContext, type Reading, readingFor } from '../context.ts';
import { answers, daySpan, type Named, named, query } from '../endpoint.ts';
import { jobsThat } from '../lists/job-filter.ts';
import { readDays } from '../wire/instants.ts';
import { apiLimits } from '../wire/limits.ts';
import { ref } from '../wire/shape.ts';
import { histogramsToWire, summaryToWire } from '../wire/to-wire.ts';
import { measures, type WireStats as Stats, WireJobStats, WireStats } from '../wire/views.ts';

const tags = ['statistics'];

const JobStatsQuery = query(daySpan);

/** Values of `percentile=`: the percentiles of a summary. */
const percentiles = ['50', '75', '90', '95', '98', '99', '99.9', '100'] as const;

const StatsQuery = query({
  percentile: Type.Optional(oneOf(percentiles, { description: 'Default: 95.' })),
  measure: Type.Optional(oneOf(measures, { description: 'Default: runTime.' })),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: apiLimits.page,
      description: 'Maximum number of jobs. Default: 100.',
    }),
  ),
});

export function statsRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Params: Named; Querystring: Static<typeof JobStatsQuery> }>(
    '/jobs/:name/stats',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'Read percentiles of a job',
        description: `Default: all-time. from and to select at most ${apiLimits.days} days.`,
        tags,
        operationId: 'getJobStats',
        params: named,
        querystring: JobStatsQuery,
        response: answers({ 200: { description: 'In milliseconds', schema: ref(WireJobStats) } }, [
          'JOB_NOT_FOUND',
        ]),
      },
    },
    async (request) => jobStats(readingFor(context, request), request.params.name, request.query),
  );

  app.get<{ Querystring: Static<typeof StatsQuery> }>(
    '/stats',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List the jobs with the largest percentiles',
        description: 'All-time, largest first.',
        tags,
        operationId: 'getStats',
        querystring: StatsQuery,
        response: answers({ 200: { description: 'In milliseconds', schema: ref(WireStats) } }),
      },
    },
    async (request) => allStats(readingFor(context, request), request.query),
  );
}

async function jobStats(
  { scheduler, turns }: Reading,
  name: string,
  asked: Static<typeof JobStatsQuery>,
): Promise<Static<typeof WireJobStats>> {
  const { job, stats } = scheduler.job(name);
  const said = asked.from !== undefined || asked.to !== undefined;
  const span = readDays(asked, scheduler.now());
  const days = await scheduler.archive.days({ job: job.name, ...span });
  const total = said
    ? mergeHistograms(days.map(({ histograms }) => histograms))
    : stats === null
      ? emptyHistograms
      : allTime(stats);
  return {
    job: job.name,
    from: said ? span.fromDay : null,
    to: said ? span.toDay : null,
    ...histogramsToWire(total),
    days: await turns.each(days, (each) => ({ day: each.day, ...histogramsToWire(each.histograms) })),
  };
}

/** Histograms merged at a time: a few milliseconds of work if each has many buckets. */
const atOnce = 32;

async function allStats(reading: Reading, asked: Static<typeof StatsQuery>): Promise<Stats> {
  const { percentile = '95', measure = 'runTime', limit = apiLimits.defaultPage } = asked;
  const found: { job: string; valueMs: number; packed: PackedHistogram }[] = [];
  let all = '';
  let pending: string[] = [];
  for await (const { job, stats } of jobsThat(reading, {})) {
    if (stats === null) continue;
    const packed = allTime(stats)[measure];
    const valueMs = percentileOf(packed, Number(percentile));
    if (valueMs === null) continue;
    found.push({ job: job.name, valueMs, packed });
    if (pending.push(packed) < atOnce) continue;
    all = mergePacked([all, ...pending]);
    pending = [];
  }
  const largest = await reading.turns.drive(sorted(found, (a, b) => b.valueMs - a.valueMs));
  return {
    percentile,
    measure,
    all: summaryToWire(summarise(mergePacked([all, ...pending]))),
    items: await reading.turns.each(largest.slice(0, limit), ({ job, valueMs, packed }) => ({
      job,
      valueMs,
      summary: summaryToWire(summarise(packed)),
    })),
  };
}
