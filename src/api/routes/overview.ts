/** What somebody wants to know first: what is late and why, what hangs on it, when it will be done, what fails. */

import type { FastifyInstance } from 'fastify';
import type { JobGlance, SchedulerHandle } from '../../scheduler/handle.ts';
import type { Run } from '../../scheduler/model/model.ts';
import { type Late, lateness } from '../../scheduler/read/late.ts';
import { type Forecast, Outlook } from '../../scheduler/read/outlook.ts';
import { sorted } from '../../scheduler/read/sorted.ts';
import { nextDueOf, statusOf } from '../../scheduler/read/view.ts';
import { runTimes } from '../../scheduler/stats/run-times.ts';
import type { ApiContext, Reading } from '../context.ts';
import { answers } from '../endpoint.ts';
import { iso, isoOrNull } from '../wire/instants.ts';
import { apiLimits } from '../wire/limits.ts';
import { type WireOverview as Overview, WireOverview } from '../wire/plots.ts';
import { ref } from '../wire/shape.ts';
import { isRunning, labelsToWire, lastToWire } from '../wire/to-wire.ts';

const hourMs = 3_600_000;

export function overviewRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get(
    '/overview',
    {
      schema: {
        summary: 'What is late, failing, running and next',
        description: `Each list names at most ${apiLimits.overview} and says how many there are.`,
        tags: ['jobs'],
        operationId: 'getOverview',
        response: answers({ 200: { description: 'The overview', schema: ref(WireOverview) } }),
      },
    },
    async () => overview(context),
  );
}

interface Found {
  readonly counts: Overview['counts'];
  readonly late: { readonly job: JobGlance; readonly late: Late }[];
  readonly failing: JobGlance[];
  readonly running: { readonly job: JobGlance; readonly run: Run }[];
  readonly soon: { readonly job: JobGlance; readonly due: number }[];
}

async function overview(reading: Reading): Promise<Overview> {
  const { scheduler, turns } = reading;
  const now = scheduler.now();
  const found = await lookAtAll(reading, now);
  const outlook = new Outlook(scheduler.look());
  const first = async <T>(items: readonly T[], order: (a: T, b: T) => number): Promise<T[]> =>
    (await turns.drive(sorted(items, order))).slice(0, apiLimits.overview);
  const failing = await first(found.failing, byFailures);
  const reasons = await Promise.all(failing.map(({ job }) => lastFailure(scheduler, job.name)));
  return {
    at: iso(now),
    counts: found.counts,
    late: {
      total: found.late.length,
      items: await turns.each(
        await first(found.late, (a, b) => a.late.since - b.late.since || byName(a.job, b.job)),
        (each) => lateToWire(each, outlook, now),
      ),
    },
    failing: {
      total: found.failing.length,
      items: await turns.each([...failing.entries()], ([index, job]) => ({
        job: job.job.name,
        owner: labelsToWire(job.job).owner,
        consecutiveFailures: job.state.consecutiveFailures,
        last: lastToWire(job.state.last),
        reason: reasons[index] ?? null,
        dependents: outlook.dependents(job.job.name).length,
      })),
    },
    running: {
      total: found.running.length,
      items: (await first(found.running, (a, b) => a.run.due - b.run.due || byName(a.job, b.job))).map(
        ({ job, run }) => ({
          job: run.job,
          run: run.id,
          state: run.state,
          due: iso(run.due),
          startedAt: isoOrNull(run.attempts.at(-1)?.startedAt ?? null),
          done: forecastToWire(outlook.ofRun(job, run, now)),
        }),
      ),
    },
    nextHour: {
      total: found.soon.length,
      items: (await first(found.soon, (a, b) => a.due - b.due || byName(a.job, b.job))).map(
        ({ job, due }) => {
          const { p50Ms, p95Ms } = runTimes(job.stats);
          return { job: job.job.name, due: iso(due), p50Ms, p95Ms };
        },
      ),
    },
  };
}

async function lookAtAll({ scheduler, turns }: Reading, now: number): Promise<Found> {
  const { ranked, lacking } = scheduler.look();
  const jobs = await turns.drive(ranked('name', false));
  const turn = await turns.begin();
  const counts = {
    jobs: jobs.count,
    active: 0,
    paused: 0,
    disabled: 0,
    completed: 0,
    failing: 0,
    late: 0,
    running: 0,
    waiting: 0,
  };
  const found: Found = { counts, late: [], failing: [], running: [], soon: [] };
  for (let at = 0; at < jobs.count; at++) {
    if (turn.isOver()) await turn.next();
    const job = jobs.at(at);
    counts[statusOf(job)]++;
    for (const run of job.runs) {
      if (isRunning(run.state)) found.running.push({ job, run });
      else counts.waiting++;
    }
    if (job.state.consecutiveFailures > 0) found.failing.push(job);
    const late = lateness(job, now, lacking);
    if (late !== null) found.late.push({ job, late });
    const due = nextDueOf(job);
    if (due !== null && due <= now + hourMs) found.soon.push({ job, due });
  }
  counts.failing = found.failing.length;
  counts.late = found.late.length;
  counts.running = found.running.length;
  return found;
}

const byName = (a: JobGlance, b: JobGlance): number => (a.job.name < b.job.name ? -1 : 1);
const byFailures = (a: JobGlance, b: JobGlance): number =>
  b.state.consecutiveFailures - a.state.consecutiveFailures || byName(a, b);

function lateToWire(
  { job, late }: { readonly job: JobGlance; readonly late: Late },
  outlook: Outlook,
  now: number,
): Overview['late']['items'][number] {
  const { name } = job.job;
  const done = outlook.ofRun(job, late.run, now);
  const below = outlook.below(name);
  const allDone = done && { p50: done.p50 + below.p50, p95: done.p95 + below.p95 };
  return {
    job: name,
    owner: labelsToWire(job.job).owner,
    kind: late.kind,
    since: iso(late.since),
    reason: late.reason,
    run: late.run?.id ?? null,
    state: late.run?.state ?? null,
    dependents: outlook.dependents(name).length,
    done: forecastToWire(done),
    allDone: forecastToWire(allDone),
  };
}

export const forecastToWire = (forecast: Forecast | null) =>
  forecast && { p50: iso(forecast.p50), p95: iso(forecast.p95) };

/** Why its newest failed run failed; what was skipped since says nothing about that. */
async function lastFailure(scheduler: SchedulerHandle, job: string): Promise<string | null> {
  const states = ['failed', 'killed', 'timed-out', 'lost'] as const;
  const { items } = await scheduler.archive.runs({ job, states, limit: 1 });
  return items[0]?.reason ?? null;
}
