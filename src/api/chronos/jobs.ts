/** Jobs as Chronos clients read and change them. */

import type { FastifyInstance } from 'fastify';
import { CarillonError } from '../../errors.ts';
import { type ChronosJob, crossFilled, printJob } from '../../scheduler/chronos/job.ts';
import { currentStateOf, lastStateOf, toChronos } from '../../scheduler/chronos/mapping.ts';
import type { JobView, SchedulerHandle } from '../../scheduler/handle.ts';
import { shown } from '../../scheduler/job/masked.ts';
import { readingFor, requestedBy } from '../context.ts';
import type { Named } from '../endpoint.ts';
import { type Query, single } from '../guard/checking.ts';
import { edits, operates, reads } from '../guard/needs.ts';
import { jobsThat } from '../lists/job-filter.ts';
import { sendLong } from '../long-answer.ts';
import { triggerId } from '../trigger-id.ts';
import { removeJob } from './delete.ts';
import { noSuchJob } from './errors.ts';
import { type ChronosContext, knownJob, submitJob } from './submit.ts';

export function chronosJobRoutes(app: FastifyInstance, context: ChronosContext): void {
  const { as, generation } = context;
  // The third generation dropped PUT.
  const writes: ('POST' | 'PUT')[] = generation === 2 ? ['POST', 'PUT'] : ['POST'];
  for (const kind of ['iso8601', 'dependency'] as const) {
    app.route({
      method: writes,
      url: `/${kind}`,
      ...edits,
      handler: (request, reply) => submitJob(context, request, reply, kind),
    });
  }

  app.get('/jobs', reads, async (request, reply) => {
    const jobs: unknown[] = [];
    for await (const view of jobsThat(readingFor(context, request), {}))
      jobs.push(printJob(crossFilled(shownJob(view)), generation));
    return sendLong(reply, context, jobs);
  });

  app.get<{ Querystring: Query }>('/jobs/search', reads, async (request) => {
    const { query } = request;
    const found: unknown[] = [];
    const search = searchIn(query);
    const limit = whole(query, 'limit', 10);
    let left = whole(query, 'offset', 0);
    if (limit === 0) return found;
    for await (const view of jobsThat(readingFor(context, request), {})) {
      const job = shownJob(view);
      if (!matches(job, search) || left-- > 0) continue;
      if (found.push(printJob(job, generation)) === limit) break;
    }
    return found;
  });

  app.get('/jobs/summary', reads, async (request, reply) => {
    const jobs: unknown[] = [];
    for await (const view of jobsThat(readingFor(context, request), {})) jobs.push(summaryOf(view));
    return sendLong(reply, context, { jobs });
  });

  app.get<{ Params: Named }>('/job/:name', reads, async (request) =>
    printJob(shownJob(jobOr(as(request), request.params.name, 'requirement failed: Job')), generation),
  );

  app.put<{ Params: Named; Querystring: Query }>('/job/:name', operates, async (request, reply) => {
    const scheduler = as(request);
    const { name } = jobOr(scheduler, request.params.name, 'requirement failed: Job').job;
    const words = (single(request.query, 'arguments') ?? '').replaceAll(';', '');
    await scheduler.submit({
      kind: 'trigger',
      name,
      triggerId: triggerId(request),
      params: words === '' ? {} : { CHRONOS_ARGUMENTS: words },
      by: requestedBy(request),
    });
    return reply.code(204).send();
  });

  app.delete<{ Params: Named }>('/job/:name', edits, async (request, reply) => {
    const scheduler = as(request);
    const view = jobOr(scheduler, request.params.name, 'JobSchedule');
    await removeJob(scheduler, view, requestedBy(request));
    return reply.code(204).send();
  });
}

/** The job. JOB_NOT_FOUND in Chronos' words. */
export function jobOr(
  scheduler: SchedulerHandle,
  name: string,
  words: Parameters<typeof noSuchJob>[1],
): JobView {
  const view = knownJob(scheduler, name);
  if (view === null) throw noSuchJob(name, words);
  return view;
}

/** The job in Chronos' form. */
const shownJob = (view: JobView): ChronosJob => shown(toChronos(view));

interface Search {
  readonly name: string;
  readonly command: string;
  readonly any: string;
}

function searchIn(query: Query): Search {
  const text = (name: string): string => single(query, name) ?? '';
  return { name: text('name'), command: text('command'), any: text('any') };
}

/** The name and the command must both match; jobs that match `any` are added. */
function matches(job: ChronosJob, { name, command, any }: Search): boolean {
  const has = (text: string, part: string) => text.toLowerCase().includes(part.toLowerCase());
  const anywhere = [job.name, job.command, job.description, job.owner, job.ownerName];
  if (any !== '' && anywhere.some((text) => has(text, any))) return true;
  if (any !== '' && name === '' && command === '') return false;
  return has(job.name, name) && has(job.command, command);
}

function whole(query: Query, field: string, otherwise: number): number {
  const text = single(query, field) ?? '';
  if (text === '') return otherwise;
  if (/^-?\d{1,9}$/.test(text)) return Math.max(0, Number(text));
  throw new CarillonError('INVALID_FIELD', `${field} is '${text.slice(0, 80)}'. Allowed: a whole number.`, {
    field,
    value: text.slice(0, 80),
  });
}

function summaryOf(view: JobView): object {
  const job = shownJob(view);
  return {
    name: job.name,
    status: lastStateOf(job),
    state: currentStateOf(view),
    schedule: job.parents === null ? job.schedule : '',
    parents: job.parents ?? [],
    disabled: job.disabled,
  };
}
