/** Due times of a schedule that is not stored, and of a job. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { CarillonError } from '../../errors.ts';
import { checkKinds, timedKinds } from '../../scheduler/job/check/schedule.ts';
import type { JobDefinition } from '../../scheduler/job/definition.ts';
import { Findings } from '../../scheduler/job/schema/explain.ts';
import { textOf } from '../../scheduler/model/reason.ts';
import { reasonOut } from '../../scheduler/rules/calendars/out.ts';
import { nextSchedule } from '../../scheduler/rules/define.ts';
import { dstChanges } from '../../scheduler/schedule/dst.ts';
import { describeSchedule } from '../../scheduler/schedule/format.ts';
import type { Schedule } from '../../scheduler/schedule/model.ts';
import { excludedBetween, nextInstant } from '../../scheduler/schedule/next.ts';
import { compileSchedule } from '../../scheduler/schedule/parse.ts';
import { withCalendar } from '../../scheduler/state/usable.ts';
import type { ApiContext } from '../context.ts';
import { answers, instantText, type Named, named, query } from '../endpoint.ts';
import { iso, isoOrNull, readInstant } from '../wire/instants.ts';
import { apiLimits } from '../wire/limits.ts';
import { ref } from '../wire/shape.ts';
import { scheduleText } from '../wire/to-wire.ts';
import {
  type WirePreviewRequest as Asked,
  WireNext,
  WirePreview,
  WirePreviewRequest,
} from '../wire/views.ts';

const tags = ['schedules'];
const defaultCount = 10;

const NextQuery = query({
  count: Type.Optional(
    Type.Integer({ minimum: 1, maximum: apiLimits.instants, description: `Default: ${defaultCount}.` }),
  ),
  after: Type.Optional(instantText('Strictly after this instant. Default: now.')),
});

export function scheduleRoutes(app: FastifyInstance, { as }: ApiContext): void {
  app.post<{ Body: Asked | undefined }>(
    '/schedules/preview',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'Preview the due times of a schedule',
        description: 'Stores nothing. A repeat without a start begins at after.',
        tags,
        operationId: 'previewSchedule',
        body: WirePreviewRequest,
        response: answers({ 200: { description: 'The due times', schema: ref(WirePreview) } }, [
          'INVALID_BODY',
          'MISSING_FIELD',
          'INVALID_SCHEDULE',
          'SCHEDULE_NEVER_FIRES',
          'UNKNOWN_TIMEZONE',
        ]),
      },
    },
    async (request): Promise<Static<typeof WirePreview>> => {
      const scheduler = as(request);
      const asked = request.body ?? {};
      const afterMs = asked.after === undefined ? scheduler.now() : readInstant(asked.after, 'after', 'body');
      const untilMs = asked.until === undefined ? Infinity : readInstant(asked.until, 'until', 'body');
      const { name = '', count = defaultCount } = asked;
      const before = name === '' ? null : (scheduler.reader().glance(name) ?? null);
      const definition = { name, schedule: scheduleOf(asked), run: {} };
      const { find } = scheduler.calendars();
      const next = ofTheBody(() => nextSchedule(definition, { before, past: null }, { now: afterMs, find }));
      const schedule = ofTheBody(() => withCalendar(compileSchedule(next.resolved!), definition, { find }));
      // With `after`, the due times may lie in the past, so what happens now does not apply.
      const { onTime, warnings } = asked.after === undefined ? next.passed : { onTime: [], warnings: [] };
      const found = instantsOf(schedule, { afterMs, untilMs, count, onTime });
      return {
        ...found,
        excluded: excludedIn(schedule, afterMs, { ...found, untilMs }),
        warnings: [...next.warnings, ...warnings],
        scheduleText: describeSchedule(schedule),
        clockChanges: clockChangesOf(schedule, afterMs),
      };
    },
  );

  app.get<{ Params: Named; Querystring: Static<typeof NextQuery> }>(
    '/jobs/:name/next',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List the next due times of a job',
        description: 'Empty for jobs that run after others or only when triggered.',
        tags,
        operationId: 'nextInstants',
        params: named,
        querystring: NextQuery,
        response: answers({ 200: { description: 'The due times', schema: ref(WireNext) } }, [
          'JOB_NOT_FOUND',
        ]),
      },
    },
    async (request): Promise<Static<typeof WireNext>> => {
      const scheduler = as(request);
      const view = scheduler.job(request.params.name);
      const { after, count = defaultCount } = request.query;
      const afterMs = after === undefined ? scheduler.now() : readInstant(after, 'after', 'query');
      const found =
        view.schedule === null
          ? { instants: [], complete: true as boolean }
          : instantsOf(view.schedule, { afterMs, untilMs: Infinity, count });
      const clockChanges = view.schedule === null ? [] : clockChangesOf(view.schedule, afterMs);
      const excluded =
        view.schedule === null ? [] : excludedIn(view.schedule, afterMs, { ...found, untilMs: Infinity });
      return { job: view.job.name, ...found, excluded, scheduleText: scheduleText(view), clockChanges };
    },
  );
}

const YEAR_MS = 366 * 86_400_000;

function clockChangesOf(schedule: Schedule, afterMs: number): Static<typeof WirePreview>['clockChanges'] {
  const changes = dstChanges(schedule, afterMs, afterMs + YEAR_MS);
  return changes.map(({ atMs, ...change }) => ({ at: iso(atMs), ...change }));
}

/** Due times that are taken out, up to the last one that is listed; of the coming year if all are. */
function excludedIn(
  schedule: Schedule,
  afterMs: number,
  { instants, complete, untilMs }: { instants: readonly string[]; complete: boolean; untilMs: number },
): Static<typeof WirePreview>['excluded'] {
  if (schedule.kind !== 'calendared') return [];
  const last = instants.at(-1);
  const upToMs = complete || last === undefined ? Math.min(untilMs, afterMs + YEAR_MS) : Date.parse(last);
  return excludedBetween(schedule, { afterMs, upToMs, most: apiLimits.instants }).map((out) => ({
    at: iso(out.at),
    reason: textOf(reasonOut(schedule, out)),
    calendar: out.calendar,
    movedTo: isoOrNull(out.to),
  }));
}

interface Range {
  readonly afterMs: number;
  readonly untilMs: number;
  readonly count: number;
  /** Due times that are not after `afterMs`, and come first. */
  readonly onTime?: readonly number[];
}

/** Due times in (afterMs, untilMs], at most `count`; `complete` if there are no more. */
function instantsOf(
  schedule: Schedule,
  { afterMs, untilMs, count, onTime = [] }: Range,
): { instants: string[]; complete: boolean } {
  const instants: string[] = [];
  for (const at of dueTimes(schedule, afterMs, onTime)) {
    if (at > untilMs) break;
    if (instants.length === count) return { instants, complete: false };
    instants.push(iso(at));
  }
  return { instants, complete: true };
}

function* dueTimes(schedule: Schedule, afterMs: number, onTime: readonly number[]): Generator<number> {
  yield* onTime;
  for (let at = nextInstant(schedule, afterMs); at !== null; at = nextInstant(schedule, at)) yield at;
}

function ofTheBody<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CarillonError)) throw error;
    throw ofBody(error);
  }
}

/** In this request the fields are at the top level; in a job they are below schedule. */
function ofBody({ code, message, details }: CarillonError): CarillonError {
  const { field, others, ...rest } = details;
  return new CarillonError(code, message, {
    ...rest,
    // Without a schedule, the first field that could be one is missing.
    ...(field !== undefined && { field: field === 'schedule' ? 'cron' : field.replace(/^schedule\./, '') }),
    source: 'body',
    ...(others !== undefined && { others: others.map(ofBody) }),
  });
}

/** What the body has of a schedule, as a job has it. */
function scheduleOf(asked: Asked): NonNullable<JobDefinition['schedule']> {
  const { name: _, after: _after, until: _until, count: _count, ...schedule } = asked;
  const findings = new Findings('body', 1);
  checkKinds(schedule, findings, { path: 'schedule', kinds: timedKinds, hint: '' });
  const [problem] = findings.problems;
  if (problem !== undefined) throw ofBody(problem);
  return schedule;
}
