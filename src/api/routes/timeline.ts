/** Runs beside each other in time: past, unfinished, and upcoming with their usual length. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { readyAt } from '../../scheduler/model/run-state.ts';
import { sorted } from '../../scheduler/read/sorted.ts';
import {
  type Passes,
  pastRuns,
  type ShownRun,
  type UpcomingRun,
  upcomingRuns,
} from '../../scheduler/read/timeline.ts';
import { runTimes } from '../../scheduler/stats/run-times.ts';
import { type ApiContext, type Reading, readingFor } from '../context.ts';
import { answers, labelFilter, query, span } from '../endpoint.ts';
import { passing } from '../lists/job-filter.ts';
import { runsBetween } from '../lists/past-runs.ts';
import { sendLong } from '../long-answer.ts';
import { iso, isoOrNull, readSpan, writable } from '../wire/instants.ts';
import { apiLimits } from '../wire/limits.ts';
import { type WireTimeline as Timeline, WireTimeline } from '../wire/plots.ts';
import { ref } from '../wire/shape.ts';

const hourMs = 3_600_000;

const TimelineQuery = query({
  ...span,
  job: Type.Optional(Type.String({ maxLength: 128, description: 'Only this job.' })),
  q: Type.Optional(Type.String({ maxLength: 256, description: 'Part of the name, description or owner.' })),
  label: labelFilter,
});
type Asked = Static<typeof TimelineQuery>;
type Bar = Timeline['bars'][number];

export function timelineRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Querystring: Asked }>(
    '/timeline',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List past and upcoming runs',
        description:
          'Sorted by due time. Default: from two hours ago to one hour ahead. Returns the newest past ' +
          `runs and the earliest upcoming ones, at most ${apiLimits.bars} of each; cutBefore and ` +
          'cutAfter show where the list was cut. Jobs that depend on others have no due times of their ' +
          'own, so they have no upcoming runs.',
        tags: ['runs'],
        operationId: 'getTimeline',
        querystring: TimelineQuery,
        response: answers({ 200: { description: 'The bars', schema: ref(WireTimeline) } }),
      },
    },
    async (request, reply) =>
      sendLong(reply, context, await timeline(readingFor(context, request), request.query)),
  );
}

async function timeline(reading: Reading, asked: Asked): Promise<Timeline> {
  const { scheduler, turns } = reading;
  const now = scheduler.now();
  const { fromMs = now - 2 * hourMs, toMs = writable(Math.max(fromMs, now) + hourMs) } = readSpan(asked);
  const most = apiLimits.bars;
  const passes = filterOf(reading, asked);
  const { runs, knownFromMs } = await runsBetween(reading, {
    fromMs,
    toMs,
    ...(asked.job !== undefined && { job: asked.job }),
  });
  const past = await turns.drive(pastRuns(scheduler.reader(), runs, { now, passes, most }));
  const upcoming = await turns.drive(
    upcomingRuns(scheduler.reader(), {
      fromMs: Math.max(fromMs, now),
      toMs,
      passes: onlyOf(asked.job, passes),
      most,
    }),
  );
  const bars = [
    ...(await turns.each(past.items, barOfRun)),
    ...(await turns.each(upcoming.items, barOfUpcoming)),
  ];
  return {
    from: iso(fromMs),
    to: iso(toMs),
    now: iso(now),
    bars: await turns.drive(sorted(bars, byDue)),
    cutBefore: isoOrNull(past.cutBefore ?? (knownFromMs > fromMs ? knownFromMs : null)),
    cutAfter: isoOrNull(upcoming.cutFrom),
  };
}

const filterOf = ({ scheduler }: Reading, { q, label }: Asked): Passes =>
  q === undefined && label === undefined
    ? null
    : passing(scheduler, { ...(q !== undefined && { q }), ...(label !== undefined && { label }) });

const onlyOf = (name: string | undefined, passes: Passes): Passes =>
  name === undefined ? passes : (job) => job.job.name === name && (passes === null || passes(job));

const byDue = (a: Bar, b: Bar): number =>
  a.due === b.due ? (a.job < b.job ? -1 : 1) : a.due < b.due ? -1 : 1;

function barOfRun({ run, expectedEnd, late }: ShownRun): Bar {
  const start = run.attempts.find((attempt) => attempt.startedAt !== null)?.startedAt ?? null;
  return {
    job: run.job,
    kind: run.endedAt === null ? 'unfinished' : 'ended',
    run: run.id,
    state: run.state,
    due: iso(run.due),
    ready: iso(readyAt(run)),
    start: isoOrNull(start),
    end: isoOrNull(run.endedAt),
    expectedEnd: isoOrNull(expectedEnd),
    late,
  };
}

function barOfUpcoming({ job: { job, stats }, due }: UpcomingRun): Bar {
  const { p50Ms } = runTimes(stats);
  return {
    job: job.name,
    kind: 'coming',
    run: null,
    state: null,
    due: iso(due),
    ready: iso(due),
    start: iso(due),
    end: null,
    expectedEnd: p50Ms === null ? null : iso(due + p50Ms),
    late: false,
  };
}
