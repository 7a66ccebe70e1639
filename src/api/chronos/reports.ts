/** Reports for Chronos clients: the leader, the graph, and run times. */

import type { FastifyInstance } from 'fastify';
import { toCsv } from '../../dag/export.ts';
import { currentStateOf, lastStateOf, toChronos } from '../../scheduler/chronos/mapping.ts';
import { shownName } from '../../scheduler/chronos/names.ts';
import { taskIdOf } from '../../scheduler/chronos/task.ts';
import type { JobView } from '../../scheduler/handle.ts';
import type { Run } from '../../scheduler/model/model.ts';
import { isRunning, isWaiting } from '../../scheduler/model/run-state.ts';
import { allTime, percentileOf, summarise } from '../../scheduler/stats/stats.ts';
import { readingFor } from '../context.ts';
import type { Named } from '../endpoint.ts';
import { reads } from '../guard/needs.ts';
import { jobsThat } from '../lists/job-filter.ts';
import { sendLong, sendParts } from '../long-answer.ts';
import { jobOr } from './jobs.ts';
import type { ChronosContext } from './submit.ts';

/** Number of newest runs reported per job, as in Chronos. */
const historyLength = 5;
const text = 'text/plain; charset=utf-8';

export function chronosReportRoutes(app: FastifyInstance, context: ChronosContext): void {
  const { as } = context;
  app.get('/leader', reads, async (request) => {
    const { leader } = as(request).cluster();
    return { leader: leader === null ? '' : new URL(leader.url).host };
  });

  app.get('/graph/csv', reads, async (request, reply) => {
    const nodes = [];
    const links = [];
    const shown = new Map<string, string>();
    for await (const view of jobsThat(readingFor(context, request), {})) {
      const job = toChronos(view);
      shown.set(view.job.name, job.name);
      nodes.push({ name: job.name, last: lastStateOf(job), state: currentStateOf(view) });
      for (const parent of view.parents) links.push({ parent, to: job.name });
    }
    const edges = links.map(({ parent, to }) => ({ from: shown.get(parent) ?? parent, to }));
    return sendParts(reply.type(text), context, toCsv({ nodes, edges }));
  });

  app.get('/graph/dot', reads, async (request, reply) => {
    const views: JobView[] = [];
    for await (const view of jobsThat(readingFor(context, request), {})) views.push(view);
    const numbers = new Map(views.map(({ job }, index) => [job.name, index + 1]));
    const nodes = views.map(
      ({ job }) => `  ${numbers.get(job.name)} [ label="${shownName(job.definition)}" ];`,
    );
    const edges = views.flatMap(({ job, parents }) =>
      parents.map((parent) => `  ${numbers.get(parent)} -> ${numbers.get(job.name)};`),
    );
    const lines = ['digraph G {', ...nodes, ...edges, '}'].map((line) => `${line}\n`);
    return sendParts(reply.type(text), context, lines);
  });

  app.get<{ Params: { statistic: string } }>('/stats/:statistic', reads, async (request, reply) => {
    const { statistic } = request.params;
    const seconds: { jobNameLabel: string; time: number }[] = [];
    if (!isStatistic(statistic)) return seconds;
    for await (const view of jobsThat(readingFor(context, request), {})) {
      const value = statisticOf(view, statistic);
      seconds.push({
        jobNameLabel: shownName(view.job.definition),
        time: statistic === 'count' ? value : value / 1_000,
      });
    }
    return sendLong(
      reply,
      context,
      seconds.sort((a, b) => b.time - a.time),
    );
  });

  app.get<{ Params: Named }>('/job/stat/:name', reads, async (request) => {
    const { name } = request.params;
    const scheduler = as(request);
    const view = jobOr(scheduler, name, 'requirement failed: Job');
    const { items } = await scheduler.archive.runs({ job: name, limit: historyLength });
    const live = view.runs.filter(({ attempts }) => attempts.length > 0);
    const newest = [...live.toReversed(), ...items].filter(({ attempts }) => attempts.length > 0);
    return {
      histogram: Object.fromEntries(statistics.map((each) => [each, statisticOf(view, each)])),
      taskStatHistory: newest
        .slice(0, historyLength)
        .map((run) => taskOf(run, shownName(view.job.definition))),
    };
  });
}

const percentiles = {
  '75thPercentile': 75,
  '95thPercentile': 95,
  '98thPercentile': 98,
  '99thPercentile': 99,
  median: 50,
} as const;
const statistics = [...(Object.keys(percentiles) as (keyof typeof percentiles)[]), 'mean', 'count'] as const;
type Statistic = (typeof statistics)[number];

const isStatistic = (name: string): name is Statistic => (statistics as readonly string[]).includes(name);

/** Of successful attempts, in milliseconds. 0 for a job that never ran. */
function statisticOf({ stats }: JobView, statistic: Statistic): number {
  if (stats === null) return 0;
  const { runTime } = allTime(stats);
  if (statistic === 'mean') return summarise(runTime)?.mean ?? 0;
  if (statistic === 'count') return summarise(runTime)?.count ?? 0;
  return percentileOf(runTime, percentiles[statistic]) ?? 0;
}

function taskOf(run: Run, jobName: string): object {
  const attempt = run.attempts.at(-1)!;
  const { startedAt, endedAt } = attempt;
  return {
    taskId: taskIdOf(run, attempt.number),
    jobName,
    slaveId: attempt.host ?? attempt.engine,
    startTime: momentOrNot(startedAt),
    endTime: momentOrNot(endedAt),
    duration: startedAt === null || endedAt === null ? 'N/A' : lasting(endedAt - startedAt),
    status: statusOf(run),
  };
}

function statusOf({ state }: Run): 'Success' | 'Fail' | 'Running' | 'Idle' {
  if (isRunning(state)) return 'Running';
  if (isWaiting(state)) return 'Idle';
  return state === 'succeeded' ? 'Success' : 'Fail';
}

/** Formats a time in UTC: `11/21/26 13:05:00`. */
function momentOrNot(at: number | null): string {
  if (at === null) return 'N/A';
  const iso = new Date(at).toISOString();
  return `${iso.slice(5, 7)}/${iso.slice(8, 10)}/${iso.slice(2, 4)} ${iso.slice(11, 19)}`;
}

/** Formats a duration without zero parts: `1d2h3m4s`. */
function lasting(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const;
  return parts.map(([value, unit]) => (value === 0 ? '' : `${value}${unit}`)).join('') || '0s';
}
