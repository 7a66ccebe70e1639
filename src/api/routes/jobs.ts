/** One job at a time: create, replace, read, list, delete, pause and resume. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { CarillonError } from '../../errors.ts';
import type { WrittenJob } from '../../job-file/written-job.ts';
import { accessOf } from '../../scheduler/access/access.ts';
import { type Asker, type Permission, permissions } from '../../scheduler/access/principal.ts';
import { jobOrders } from '../../scheduler/handle.ts';
import { findWarnings } from '../../scheduler/job/check/check.ts';
import { oneOf } from '../../scheduler/job/definition.ts';
import type { Job } from '../../scheduler/model/model.ts';
import { HeldBack } from '../../scheduler/read/held-back.ts';
import { oneJob } from '../body/read.ts';
import { type ApiContext, type Reading, readingFor, requestedBy } from '../context.ts';
import { answers, instantText, labelFilter, type Named, named, paging, query } from '../endpoint.ts';
import { askerIn } from '../guard/needs.ts';
import { pageOfJobs, rowsOf } from '../lists/job-list.ts';
import { RecentRuns } from '../lists/recent-runs.ts';
import { sendLong } from '../long-answer.ts';
import { readInstant } from '../wire/instants.ts';
import { apiLimits } from '../wire/limits.ts';
import {
  type WireJobChange as JobChange,
  jobFilters,
  WireDefinition,
  WireDeletion,
  WireJob,
  WireJobChange,
  WireJobList,
  WireJobRowList,
} from '../wire/schema.ts';
import { ref } from '../wire/shape.ts';
import { jobToWire } from '../wire/to-wire.ts';

const tags = ['jobs'];
/** Error codes for a rejected definition. */
export const refusals = [
  'INVALID_BODY',
  'MISSING_FIELD',
  'INVALID_SCHEDULE',
  'INVALID_TEMPLATE',
  'SCHEDULE_NEVER_FIRES',
  'UNKNOWN_TIMEZONE',
  'UNKNOWN_PARENT',
  'DEPENDENCY_CYCLE',
  'ENGINE_NOT_CONFIGURED',
  'UNSUPPORTED_BY_ENGINE',
  'LIMIT_EXCEEDED',
] as const;

/** Documented here, checked by the scheduler. */
const definitionBody = {
  content: {
    'application/json': { schema: ref(WireDefinition) },
    'application/yaml': { schema: ref(WireDefinition) },
  },
};

const ListQuery = query({
  q: Type.Optional(Type.String({ maxLength: 256, description: 'Part of the name, description or owner.' })),
  label: labelFilter,
  owner: Type.Optional(Type.String({ maxLength: 256 })),
  state: Type.Optional(
    Type.Array(oneOf(jobFilters), { maxItems: jobFilters.length, description: 'Any of these states.' }),
  ),
  sort: Type.Optional(
    oneOf(jobOrders, {
      description:
        'Default: name. state: disabled and failing jobs first, then jobs with unfinished runs, then active, ' +
        'paused and completed ones. Jobs without a value come last.',
    }),
  ),
  order: Type.Optional(oneOf(['asc', 'desc'], { description: 'Default: asc.' })),
  view: Type.Optional(
    oneOf(['full', 'row'], { description: 'Default: full. row: the fields for a long list.' }),
  ),
  ...paging,
});

const DeleteQuery = query({
  dependents: Type.Optional(
    oneOf(['refuse', 'cascade', 'detach'], {
      description:
        'If other jobs depend on this one: refuse the request (default), cascade (delete them too) or detach (keep them ' +
        'without this parent).',
    }),
  ),
});

export function jobRoutes(app: FastifyInstance, context: ApiContext): void {
  putRoutes(app, context);
  readRoutes(app, context);
  deleteRoute(app, context);
  for (const kind of ['pause', 'resume'] as const) pauseRoute(app, context, kind);
}

/** Both ways to submit a definition: creating a job only, and replacing one that may exist. */
function putRoutes(app: FastifyInstance, context: ApiContext): void {
  const put = (request: FastifyRequest, job: WrittenJob, mode: 'create' | 'replace') =>
    changeJob(context, request, { ...job, mode });

  app.post(
    '/jobs',
    {
      config: { needs: 'edit', takes: 'job' },
      schema: {
        summary: 'Create a job',
        tags,
        operationId: 'createJob',
        body: definitionBody,
        response: answers({ 201: { description: 'Created', schema: ref(WireJobChange) } }, [
          ...refusals,
          'JOB_EXISTS',
        ]),
      },
    },
    async (request, reply) => created(reply, await put(request, oneJob(request.body), 'create')),
  );

  app.put<{ Params: Named }>(
    '/jobs/:name',
    {
      config: { needs: 'edit', takes: 'job' },
      schema: {
        summary: 'Create or replace a job',
        description: 'With If-Match: "3", only if the job is at revision 3.',
        tags,
        operationId: 'putJob',
        params: named,
        body: definitionBody,
        response: answers(
          {
            200: { description: 'Changed, or already up to date', schema: ref(WireJobChange) },
            201: { description: 'Created', schema: ref(WireJobChange) },
          },
          [...refusals, 'REVISION_CONFLICT'],
        ),
      },
    },
    async (request, reply) => {
      const change = await put(request, nameFromPath(oneJob(request.body), request.params.name), 'replace');
      return change.outcome === 'created' ? created(reply, change) : change;
    },
  );
}

function readRoutes(app: FastifyInstance, context: ApiContext): void {
  const recent = new RecentRuns(context.whole);
  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/jobs',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List jobs',
        description:
          'Jobs that are created, deleted or reordered between two pages never repeat or hide other jobs.',
        tags,
        operationId: 'listJobs',
        querystring: ListQuery,
        response: answers({
          200: { description: 'One page', schema: Type.Union([ref(WireJobList), ref(WireJobRowList)]) },
        }),
      },
    },
    async (request, reply) =>
      sendLong(reply, context, await listJobs(readingFor(context, request), recent, request.query)),
  );

  app.get<{ Params: Named }>(
    '/jobs/:name',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'Read a job',
        tags,
        operationId: 'getJob',
        params: named,
        response: answers({ 200: { description: 'The job', schema: ref(WireJob) } }, ['JOB_NOT_FOUND']),
      },
    },
    async (request, reply) => {
      const scheduler = context.as(request);
      const view = scheduler.job(request.params.name);
      reply.header('etag', `"${view.job.revision}"`);
      const warnings = findWarnings(view.job.definition);
      return {
        ...jobToWire(view, new HeldBack(scheduler.reader())),
        may: permissionsOn(view.job, askerIn(request)),
        ...(warnings.length > 0 && { warnings }),
      };
    },
  );
}

function permissionsOn({ name, definition: { labels } }: Job, { principal }: Asker): Permission[] {
  const access = accessOf(principal.bindings);
  return permissions.filter((each) => access.mayOn(each, { name, labels }));
}

function deleteRoute(app: FastifyInstance, { as }: ApiContext): void {
  app.delete<{ Params: Named; Querystring: Static<typeof DeleteQuery> }>(
    '/jobs/:name',
    {
      config: { needs: 'edit' },
      schema: {
        summary: 'Delete a job',
        description: 'Its runs, ledger and revisions are kept until they expire.',
        tags,
        operationId: 'deleteJob',
        params: named,
        querystring: DeleteQuery,
        response: answers({ 200: { description: 'The deleted jobs', schema: ref(WireDeletion) } }, [
          'JOB_NOT_FOUND',
          'JOB_HAS_DEPENDENTS',
        ]),
      },
    },
    async (request) =>
      as(request).submit({
        kind: 'delete-job',
        name: request.params.name,
        dependents: request.query.dependents ?? 'refuse',
        by: requestedBy(request),
      }),
  );
}

const PauseQuery = query({
  until: Type.Optional(instantText('When it is resumed by itself: at most 366 days from now.')),
});

function pauseRoute(app: FastifyInstance, { as }: ApiContext, kind: 'pause' | 'resume'): void {
  app.post<{ Params: Named; Querystring: { until?: string } }>(
    `/jobs/:name/${kind}`,
    {
      config: { needs: 'operate' },
      schema: {
        summary: kind === 'pause' ? 'Pause a job' : 'Resume a job that is paused or disabled',
        tags,
        operationId: `${kind}Job`,
        params: named,
        ...(kind === 'pause' && { querystring: PauseQuery }),
        response: answers({ 200: { description: 'The job', schema: ref(WireJob) } }, ['JOB_NOT_FOUND']),
      },
    },
    async (request) => {
      const { name } = request.params;
      const scheduler = as(request);
      const { until } = request.query;
      const end = until === undefined ? {} : { until: readInstant(until, 'until', 'query') };
      await scheduler.submit({ kind, name, ...end, by: requestedBy(request) });
      return jobToWire(scheduler.job(name), new HeldBack(scheduler.reader()));
    },
  );
}

/** Submits a definition and answers with the resulting job. */
export async function changeJob(
  { as }: ApiContext,
  request: FastifyRequest,
  job: WrittenJob & { readonly mode: 'create' | 'replace' },
): Promise<JobChange> {
  const scheduler = as(request);
  const expected = expectedRevision(request.headers['if-match']);
  const answer = await scheduler.submit({
    kind: 'put-job',
    ...job,
    ...(expected !== undefined && { expected }),
    by: requestedBy(request),
  });
  const { outcome, warnings } = answer;
  return {
    ...jobToWire(scheduler.job(answer.job.name), new HeldBack(scheduler.reader())),
    outcome,
    warnings: [...warnings],
  };
}

function created(reply: FastifyReply, change: JobChange): JobChange {
  reply.code(201).header('location', `/api/v1/jobs/${encodeURIComponent(change.name)}`);
  return change;
}

/** The revision in If-Match. Undefined: any. */
export function expectedRevision(header: string | undefined): number | undefined {
  if (header === undefined || header === '*') return undefined;
  const revision = /^(?:W\/)?"?(\d{1,15})"?$/.exec(header)?.[1];
  if (revision !== undefined) return Number(revision);
  throw new CarillonError('INVALID_FIELD', `If-Match is ${JSON.stringify(header.slice(0, 80))}.`, {
    field: 'If-Match',
    value: header.slice(0, 80),
    allowed: 'a revision of the job, such as "3"',
    source: 'header',
  });
}

/** The body may omit the name. A name other than the one in the path is a mistake. */
function nameFromPath(job: WrittenJob, name: string): WrittenJob {
  const { definition, source } = job;
  if (typeof definition !== 'object' || definition === null || Array.isArray(definition)) return job;
  const given = (definition as { name?: unknown }).name;
  if (given === undefined) return { definition: { name, ...definition }, source };
  if (given === name || typeof given !== 'string') return job;
  throw new CarillonError(
    'INVALID_FIELD',
    `The name in the body is ${JSON.stringify(given.slice(0, 128))}, but the path names ${name}.`,
    {
      field: 'name',
      value: given.slice(0, 128),
      allowed: name,
      source,
    },
  );
}

async function listJobs(
  reading: Reading,
  recent: RecentRuns,
  asked: Static<typeof ListQuery>,
): Promise<WireJobList | WireJobRowList> {
  const { limit = apiLimits.defaultPage, cursor, sort = 'name', order = 'asc', view, ...filter } = asked;
  const { jobs, next, total } = await pageOfJobs(reading, {
    filter,
    sort,
    descending: order === 'desc',
    limit,
    cursor,
  });
  const { scheduler, turns } = reading;
  if (view === 'row') return { items: await rowsOf(reading, recent, jobs), next, total };
  const reader = scheduler.reader();
  const { glance } = reader;
  const heldBack = new HeldBack(reader);
  // Other reads and commands run in between, so jobs may have been deleted.
  const items = await turns.each(jobs, ({ job: { name } }) =>
    glance(name) === undefined ? [] : [jobToWire(scheduler.job(name), heldBack)],
  );
  return { items: items.flat(), next, total };
}
