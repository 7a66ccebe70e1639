/** Applies many jobs in one request. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { expandRules } from '../../calendar-file/rules.ts';
import { CarillonError, catalogue } from '../../errors.ts';
import type { WrittenJob } from '../../job-file/written-job.ts';
import type { ApplyResult, CommandAnswers } from '../../scheduler/command.ts';
import type { SchedulerHandle } from '../../scheduler/handle.ts';
import { checkCalendar } from '../../scheduler/job/calendar/check.ts';
import { isCalendarDocument } from '../../scheduler/job/calendar/document.ts';
import type { StoredCalendar } from '../../scheduler/model/calendar.ts';
import { manyJobs } from '../body/read.ts';
import { type ApiContext, requestedBy } from '../context.ts';
import { answers, query } from '../endpoint.ts';
import { exactLabels } from '../lists/job-filter.ts';
import { sendLong } from '../long-answer.ts';
import { apiLimits } from '../wire/limits.ts';
import { type WireApply as Apply, WireApply, WireDefinition } from '../wire/schema.ts';
import { ref } from '../wire/shape.ts';
import { applyResultToWire } from '../wire/to-wire.ts';

const ApplyQuery = query({
  prune: Type.Optional(
    Type.Boolean({
      description: 'Delete jobs that are not in the body, unless a job of the body is rejected.',
    }),
  ),
  allowEmpty: Type.Optional(
    Type.Boolean({ description: 'With prune: delete all jobs if the body has none. Default: false.' }),
  ),
  label: Type.Optional(
    Type.Array(Type.String({ maxLength: 512 }), {
      maxItems: 16,
      description:
        'With prune: delete only jobs with this label, such as team=sales. If repeated, jobs with all of ' +
        'the labels.',
    }),
  ),
  dryRun: Type.Optional(Type.Boolean({ description: 'Show what would change and change nothing.' })),
});

/** An invalid job is rejected by itself, in the response. */
const job = Type.Union([ref(WireDefinition), Type.Unknown()]);
const jobs = Type.Union([
  Type.Array(job, { maxItems: apiLimits.applyJobs }),
  Type.Object({ jobs: Type.Array(job, { maxItems: apiLimits.applyJobs }) }),
  Type.Object({}, { description: 'One job.' }),
]);
/** An empty YAML document, or one with comments only, is null. JSON has no such document. */
const noJob = Type.Null({ description: 'An empty document: no job.' });
/** A document of another type is rejected in the response, like a job. */
const noMapping = Type.Union([Type.String(), Type.Number(), Type.Boolean()], {
  description: 'A document that is not a job. It is rejected in the response.',
});

export function applyRoutes(app: FastifyInstance, context: ApiContext): void {
  const { as, turns } = context;
  app.post<{ Querystring: Static<typeof ApplyQuery> }>(
    '/apply',
    {
      config: { needs: 'edit', takes: 'jobs' },
      schema: {
        summary: 'Create, update and delete many jobs',
        description:
          'Each job is accepted or rejected by itself, so the status is 200 even if some are rejected: ' +
          `check counts.refused. Parents may come after their children. At most ${apiLimits.applyJobs} ` +
          'jobs. Entries with a calendar and no name are calendars.',
        tags: ['jobs'],
        operationId: 'apply',
        querystring: ApplyQuery,
        body: {
          content: {
            'application/json': { schema: jobs },
            'application/yaml': { schema: Type.Union([jobs, noJob, noMapping]) },
          },
        },
        response: answers({ 200: { description: 'Outcome for each job', schema: ref(WireApply) } }, [
          'INVALID_BODY',
          'LIMIT_EXCEEDED',
        ]),
      },
    },
    async (request, reply) => {
      const { prune = false, label = [], dryRun = false, allowEmpty = false } = request.query;
      if (label.length > 0 && !prune) throw labelWithoutPrune(label);
      const definitions = manyJobs(request.body);
      const labels = exactLabels(label);
      if (prune && definitions.length === 0 && !allowEmpty) throw nothingToKeep();
      const by = requestedBy(request);
      const written = definitions.map((each) => (isCalendarDocument(each.definition) ? each : null));
      const calendars = await putCalendars(as(request), written, { dryRun, by });
      const isRefused = calendars.results.some((result) => result?.outcome === 'refused');
      const jobs = await as(request).submit({
        kind: 'apply',
        definitions: definitions.filter((_, i) => written[i] === null),
        assumed: calendars.assumed,
        prune: prune && !isRefused ? { labels } : null,
        dryRun,
        by,
      });
      const results = inTheirOrder(calendars.results, jobs);
      const answer: Apply = {
        dryRun,
        counts: countOutcomes(results),
        results: await turns.each(results, applyResultToWire),
      };
      return sendLong(reply, context, answer);
    },
  );
}

interface PutCalendars {
  /** Per definition of the body; null for a job. */
  readonly results: readonly (ApplyResult | null)[];
  /** Calendars that jobs of the body may name, although a dry run does not store them. */
  readonly assumed: readonly StoredCalendar[];
}

/** Calendars come before the jobs that use them. Each is accepted or rejected by itself. */
async function putCalendars(
  scheduler: SchedulerHandle,
  written: readonly (WrittenJob | null)[],
  { dryRun, by }: { readonly dryRun: boolean; readonly by: string },
): Promise<PutCalendars> {
  const results: (ApplyResult | null)[] = [];
  const assumed: StoredCalendar[] = [];
  for (const each of written) {
    if (each === null) {
      results.push(null);
      continue;
    }
    const { definition, source } = each;
    try {
      const expanded = expandRules(checkCalendar(definition, source), scheduler.now());
      const document = { document: definition, source, ...expanded };
      const put = await scheduler.submit({ kind: 'put-calendar', ...document, dryRun, by });
      assumed.push(put.calendar);
      results.push(putResult(put));
    } catch (error) {
      if (!(error instanceof CarillonError) || catalogue[error.code].status >= 500) throw error;
      results.push(refusedCalendar(definition, error));
    }
  }
  return { results, assumed };
}

function putResult({ calendar, before, outcome, warnings }: CommandAnswers['put-calendar']): ApplyResult {
  const changes = outcome !== 'unchanged';
  return {
    ...{ name: calendar.name, outcome, revision: calendar.revision, error: null, warnings },
    before: changes ? (before?.document ?? null) : null,
    after: changes ? calendar.document : null,
  };
}

function refusedCalendar(definition: unknown, { code, message, details }: CarillonError): ApplyResult {
  const { calendar } = definition as { readonly calendar: unknown };
  return {
    name: typeof calendar === 'string' ? calendar.slice(0, 128) : '',
    ...{ outcome: 'refused', revision: null, error: { code, message, details }, warnings: [] },
    ...{ before: null, after: null },
  };
}

/** Those of calendars where they were written, and all others in between. */
function inTheirOrder(
  calendars: readonly (ApplyResult | null)[],
  jobs: readonly ApplyResult[],
): readonly ApplyResult[] {
  const rest = jobs.values();
  const placed = calendars.flatMap((calendar) => calendar ?? rest.next().value ?? []);
  return [...placed, ...rest];
}

function countOutcomes(results: readonly ApplyResult[]): Apply['counts'] {
  const counts = { created: 0, changed: 0, unchanged: 0, deleted: 0, refused: 0 };
  for (const { outcome } of results) counts[outcome]++;
  return counts;
}

/** An empty folder is more often a wrong path than intended. */
function nothingToKeep(): CarillonError {
  return new CarillonError('INVALID_FIELD', 'The body has no jobs, so prune would delete every job.', {
    field: 'prune',
    value: true,
    allowed: 'at least one job in the body, or allowEmpty=true to delete every job',
    source: 'query',
  });
}

function labelWithoutPrune(label: readonly string[]): CarillonError {
  return new CarillonError('INVALID_FIELD', 'label limits what prune deletes, so it requires prune.', {
    field: 'label',
    value: label[0],
    allowed: 'with prune=true',
    source: 'query',
  });
}
