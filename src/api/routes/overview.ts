/** The overview: late jobs with the reason, their downstream jobs and expected end, and failing jobs. */

import type { FastifyInstance } from 'fastify';
import type { SchedulerHandle } from '../../scheduler/handle.ts';
import { type Reason, textOf } from '../../scheduler/model/reason.ts';
import type { Forecast } from '../../scheduler/read/outlook.ts';
import { type Overview, overviewOf } from '../../scheduler/read/overview.ts';
import { runTimes } from '../../scheduler/stats/run-times.ts';
import { type ApiContext, readingFor } from '../context.ts';
import { answers } from '../endpoint.ts';
import { iso, isoOrNull } from '../wire/instants.ts';
import { apiLimits } from '../wire/limits.ts';
import { WireOverview } from '../wire/plots.ts';
import { reasonToWire, whyOf } from '../wire/reason.ts';
import { ref } from '../wire/shape.ts';
import { labelsToWire, lastToWire } from '../wire/to-wire.ts';

export function overviewRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get(
    '/overview',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List late, failing, running and upcoming jobs',
        description: `Each list has at most ${apiLimits.overview} entries and a total.`,
        tags: ['jobs'],
        operationId: 'getOverview',
        response: answers({ 200: { description: 'The overview', schema: ref(WireOverview) } }),
      },
    },
    async (request) => {
      const { scheduler, turns } = readingFor(context, request);
      const now = scheduler.now();
      const found = await turns.drive(overviewOf(scheduler.reader(), { now, most: apiLimits.overview }));
      const reasons = await Promise.all(
        found.failing.items.map(({ job: { job } }) => lastFailure(scheduler, job.name)),
      );
      return overviewToWire(found, reasons, now);
    },
  );
}

/** `reasons`: why the jobs that fail failed last, in their order. */
function overviewToWire(found: Overview, reasons: readonly (Reason | null)[], now: number): WireOverview {
  const { counts, late, failing, running, nextHour } = found;
  return {
    at: iso(now),
    counts,
    late: { total: late.total, items: late.items.map(lateToWire) },
    failing: {
      total: failing.total,
      items: failing.items.map(({ job: { job, state }, dependents }, index) => ({
        job: job.name,
        owner: labelsToWire(job).owner,
        consecutiveFailures: state.consecutiveFailures,
        last: lastToWire(state.last),
        ...whyOf(reasons[index] ?? null),
        dependents,
      })),
    },
    running: {
      total: running.total,
      items: running.items.map(({ run, done }) => ({
        job: run.job,
        run: run.id,
        state: run.state,
        due: iso(run.due),
        startedAt: isoOrNull(run.attempts.at(-1)?.startedAt ?? null),
        done: forecastToWire(done),
      })),
    },
    nextHour: {
      total: nextHour.total,
      items: nextHour.items.map(({ job: { job, stats }, due }) => {
        const { p50Ms, p95Ms } = runTimes(stats);
        return { job: job.name, due: iso(due), p50Ms, p95Ms };
      }),
    },
  };
}

function lateToWire({
  job: { job },
  late,
  dependents,
  done,
  allDone,
}: Overview['late']['items'][number]): WireOverview['late']['items'][number] {
  return {
    job: job.name,
    owner: labelsToWire(job).owner,
    kind: late.kind,
    since: iso(late.since),
    reason: textOf(late.reason),
    why: reasonToWire(late.reason),
    run: late.run?.id ?? null,
    state: late.run?.state ?? null,
    dependents,
    done: forecastToWire(done),
    allDone: forecastToWire(allDone),
  };
}

const forecastToWire = (forecast: Forecast | null) =>
  forecast && { p50: iso(forecast.p50), p95: iso(forecast.p95) };

/** The reason of the newest failed run. Later skips are ignored: they say nothing about the failure. */
async function lastFailure(scheduler: SchedulerHandle, job: string): Promise<Reason | null> {
  const states = ['failed', 'killed', 'timed-out', 'lost'] as const;
  const { items } = await scheduler.archive.runs({ job, states, limit: 1 });
  return items[0]?.reason ?? null;
}
