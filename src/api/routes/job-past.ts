/** The past of a job: its ledger, and its revisions with their differences. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { CarillonError } from '../../errors.ts';
import type { SchedulerHandle } from '../../scheduler/handle.ts';
import { shown } from '../../scheduler/job/masked.ts';
import type { EndState, LedgerLine, Revision } from '../../scheduler/model/model.ts';
import type { Archive } from '../../scheduler/ports.ts';
import { laidOver } from '../../scheduler/read/fates.ts';
import type { ApiContext } from '../context.ts';
import { differences } from '../diff.ts';
import { answers, type Named, named, paging, query, span } from '../endpoint.ts';
import { decodeCursor, encodeCursor } from '../lists/cursor.ts';
import { sendLong } from '../long-answer.ts';
import { readSpan } from '../wire/instants.ts';
import { apiLimits } from '../wire/limits.ts';
import { WireDiff, WireJobChange, WireLedger, WireRevision, WireRevisionList } from '../wire/schema.ts';
import { ref } from '../wire/shape.ts';
import { ledgerToWire, revisionToWire } from '../wire/to-wire.ts';
import { changeJob, refusals } from './jobs.ts';

const tags = ['history'];
const revisionNumber = (description: string) =>
  Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description });

const LedgerQuery = query({ ...span, ...paging });
const DiffQuery = query({
  from: revisionNumber('Older revision.'),
  to: revisionNumber('Newer revision.'),
});
const numbered = Type.Object({
  ...named.properties,
  number: Type.String({ pattern: '^[1-9][0-9]{0,14}$', description: 'a revision number' }),
});
type Numbered = Named & { number: string };

export function jobPastRoutes(app: FastifyInstance, context: ApiContext): void {
  ledgerRoute(app, context);
  revisionRoutes(app, context);
  diffRoute(app, context);
  restoreRoute(app, context);
}

function ledgerRoute(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Params: Named; Querystring: Static<typeof LedgerQuery> }>(
    '/jobs/:name/ledger',
    {
      config: { needs: 'read' },
      schema: {
        summary: "List the outcomes of a job's due times",
        description: 'Oldest first. Default: from the first one until now.',
        tags,
        operationId: 'getLedger',
        params: named,
        querystring: LedgerQuery,
        response: answers({ 200: { description: 'One page', schema: ref(WireLedger) } }, ['JOB_NOT_FOUND']),
      },
    },
    async (request) => ledgerPage(context.as(request), request.params.name, request.query),
  );
}

function revisionRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Params: Named }>(
    '/jobs/:name/revisions',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List revisions of a job',
        description: 'Newest first. Includes revisions of deleted jobs while they are kept.',
        tags,
        operationId: 'listRevisions',
        params: named,
        response: answers({ 200: { description: 'All kept revisions', schema: ref(WireRevisionList) } }, [
          'JOB_NOT_FOUND',
        ]),
      },
    },
    async (request, reply) => {
      const revisions = await revisionsOf(context.as(request), request.params.name);
      return sendLong(reply, context, { items: revisions.map(revisionToWire), next: null });
    },
  );

  app.get<{ Params: Numbered }>(
    '/jobs/:name/revisions/:number',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'Read a revision',
        tags,
        operationId: 'getRevision',
        params: numbered,
        response: answers({ 200: { description: 'The revision', schema: ref(WireRevision) } }, [
          'JOB_NOT_FOUND',
          'REVISION_NOT_FOUND',
        ]),
      },
    },
    async (request) => {
      const { name, number } = request.params;
      return revisionToWire(await findRevision(context.as(request), name, Number(number)));
    },
  );
}

function diffRoute(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Params: Named; Querystring: Static<typeof DiffQuery> }>(
    '/jobs/:name/diff',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'Compare two revisions',
        tags,
        operationId: 'diffRevisions',
        params: named,
        querystring: DiffQuery,
        response: answers({ 200: { description: 'The changed fields', schema: ref(WireDiff) } }, [
          'MISSING_FIELD',
          'JOB_NOT_FOUND',
          'REVISION_NOT_FOUND',
        ]),
      },
    },
    async (request) => {
      const { name } = request.params;
      const { from, to } = request.query;
      const scheduler = context.as(request);
      const before = await findRevision(scheduler, name, from);
      const after = await findRevision(scheduler, name, to);
      // Compared before masking, so that a changed credential shows as a change.
      const changes = differences(before.definition, after.definition).map((change) => ({
        path: change.path,
        before: shown(change.before, change.path),
        after: shown(change.after, change.path),
      }));
      return { job: name, from, to, changes };
    },
  );
}

function restoreRoute(app: FastifyInstance, context: ApiContext): void {
  app.post<{ Params: Numbered }>(
    '/jobs/:name/revisions/:number/restore',
    {
      config: { needs: 'edit' },
      schema: {
        summary: 'Restore an old revision',
        description: 'The restored definition becomes a new revision. A deleted job is created again.',
        tags,
        operationId: 'restoreRevision',
        params: numbered,
        response: answers({ 200: { description: 'The job', schema: ref(WireJobChange) } }, [
          ...refusals,
          'JOB_NOT_FOUND',
          'REVISION_NOT_FOUND',
          'REVISION_CONFLICT',
        ]),
      },
    },
    async (request) => {
      const { name, number } = request.params;
      const { definition } = await findRevision(context.as(request), name, Number(number));
      if (definition === null)
        throw revisionNotFound(name, Number(number), 'a revision that has a definition');
      return changeJob(context, request, { definition, source: `revision ${number}`, mode: 'replace' });
    },
  );
}

/** The revisions of an existing or deleted job. JOB_NOT_FOUND. */
async function revisionsOf(scheduler: SchedulerHandle, name: string): Promise<Revision[]> {
  const revisions = await scheduler.archive.revisions(name);
  if (revisions.length === 0) scheduler.job(name);
  return revisions;
}

async function findRevision(scheduler: SchedulerHandle, name: string, number: number): Promise<Revision> {
  const revisions = await revisionsOf(scheduler, name);
  const found = revisions.find(({ revision }) => revision === number);
  if (found !== undefined) return found;
  const oldest = revisions.at(-1)?.revision;
  throw revisionNotFound(
    name,
    number,
    oldest === undefined ? 'none, because no revisions are kept' : `${oldest} to ${revisions[0]?.revision}`,
  );
}

function revisionNotFound(name: string, number: number, allowed: string): CarillonError {
  return new CarillonError(
    'REVISION_NOT_FOUND',
    `Job ${name} has no revision ${number} to restore. Allowed: ${allowed}.`,
    {
      field: 'revision',
      value: number,
      allowed,
    },
  );
}

const isInstant = (place: readonly unknown[]): place is readonly [number] => Number.isSafeInteger(place[0]);

async function ledgerPage(
  scheduler: SchedulerHandle,
  name: string,
  asked: Static<typeof LedgerQuery>,
): Promise<Static<typeof WireLedger>> {
  const job = scheduler.job(name).job.name;
  const { fromMs: earliest = 0, toMs = scheduler.now() + 1 } = readSpan(asked);
  const { limit = apiLimits.defaultPage, cursor } = asked;
  const place = cursor === undefined ? null : decodeCursor(cursor, isInstant)[0];
  const fromMs = place ?? earliest;
  // Reads one more to know whether there is a next page, and one for a range that began before the cursor and
  // was already returned.
  const lines = await scheduler.archive.ledger({ job, fromMs, toMs, limit: limit + 2 });
  const fresh = place === null ? lines : lines.filter((line) => line.from >= place);
  const following = fresh[limit];
  const below = following?.from ?? toMs;
  const shown = fresh.slice(0, limit);
  const backfilled = await scheduler.archive.past('backfilled', {
    owner: job,
    from: Math.min(fromMs, shown[0]?.from ?? fromMs),
    below,
  });
  const schedule = scheduler.reader().glance(job)?.schedule ?? null;
  const states = await ledgerStates(scheduler.archive, lines);
  return {
    // A range that was revoked when the clock was set back has no content.
    items: laidOver(shown, backfilled, schedule)
      .filter(({ count }) => count > 0)
      .map((line) =>
        ledgerToWire(
          line,
          line.end === 'backfilled' ? (line.state ?? null) : (states.get(line.run ?? '') ?? null),
        ),
      ),
    next: following === undefined ? null : encodeCursor([following.from]),
  };
}

/**
 * How the runs of these entries ended. A caught-up entry is stored when its catch-up run begins, so its end
 * state is in that run's own entry, which follows directly.
 */
async function ledgerStates(
  archive: Archive,
  lines: readonly LedgerLine[],
): Promise<ReadonlyMap<string, EndState>> {
  const states = new Map<string, EndState>();
  const note = (line: LedgerLine): void => {
    const state = line.end === 'ran' ? line.state : line.end === 'caught-up' ? undefined : line.end;
    if (line.run !== null && state !== undefined) states.set(line.run, state);
  };
  for (const line of lines) note(line);
  for (const { job, to, end, run } of lines) {
    if (end !== 'caught-up' || run === null || states.has(run)) continue;
    for (const behind of await archive.ledger({ job, fromMs: to + 1, toMs: to + 2, limit: 1 })) note(behind);
  }
  return states;
}
