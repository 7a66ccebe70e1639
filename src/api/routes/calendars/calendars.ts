/** Calendars: list, read, submit, delete, and which times they cover. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { expandRules } from '../../../calendar-file/rules.ts';
import { CarillonError } from '../../../errors.ts';
import { checkCalendar } from '../../../scheduler/job/calendar/check.ts';
import { calendarNamePattern } from '../../../scheduler/job/calendar/document.ts';
import { calendarOwner } from '../../../scheduler/model/calendar.ts';
import { oneJob } from '../../body/read.ts';
import { type ApiContext, requestedBy } from '../../context.ts';
import { answers, instantText, query } from '../../endpoint.ts';
import { coveredIn } from '../../lists/covered.ts';
import {
  calendarRevisionToWire,
  calendarToWire,
  WireCalendar,
  WireCalendarChange,
  WireCalendarDocument,
  WireCalendarList,
  WireCalendarPreview,
  WireCalendarRevisionList,
} from '../../wire/calendars/calendars.ts';
import { dayMs, iso, readSpan, reversed } from '../../wire/instants.ts';
import { ref } from '../../wire/shape.ts';
import { expectedRevision } from '../jobs.ts';

const tags = ['calendars'];
const called = Type.Object({
  name: Type.String({ pattern: calendarNamePattern, description: 'Name of the calendar.' }),
});
type Called = { name: string };

/** Kept revisions of a calendar. */
const MAX_REVISIONS = 200;
const YEAR_MS = 366 * dayMs;
const MAX_RANGE_MS = 11 * YEAR_MS;

export function calendarRoutes(app: FastifyInstance, context: ApiContext): void {
  readRoutes(app, context);
  putRoute(app, context);
  previewRoute(app, context);
  app.delete<{ Params: Called }>(
    '/calendars/:name',
    {
      config: { needs: 'edit', ofAll: true },
      schema: {
        summary: 'Delete a calendar',
        description: 'Refused while jobs use it.',
        tags,
        operationId: 'deleteCalendar',
        params: called,
        response: answers({ 200: { description: 'The calendar as it was', schema: ref(WireCalendar) } }, [
          'CALENDAR_NOT_FOUND',
          'CALENDAR_IN_USE',
        ]),
      },
    },
    async (request) => {
      const { name } = request.params;
      const stored = await context.as(request).submit({
        kind: 'delete-calendar',
        name,
        by: requestedBy(request),
      });
      return calendarToWire({ stored, compiled: null, users: [] });
    },
  );
}

function readRoutes(app: FastifyInstance, { as }: ApiContext): void {
  app.get(
    '/calendars',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List calendars',
        tags,
        operationId: 'listCalendars',
        response: answers({ 200: { description: 'All calendars', schema: ref(WireCalendarList) } }),
      },
    },
    async (request) => ({ items: as(request).calendars().all().map(calendarToWire), next: null }),
  );

  app.get<{ Params: Called }>(
    '/calendars/:name',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'Read a calendar',
        tags,
        operationId: 'getCalendar',
        params: called,
        response: answers({ 200: { description: 'The calendar', schema: ref(WireCalendar) } }, [
          'CALENDAR_NOT_FOUND',
        ]),
      },
    },
    async (request, reply) => {
      const view = as(request).calendars().one(request.params.name);
      reply.header('etag', `"${view.stored.revision}"`);
      return calendarToWire(view);
    },
  );

  app.get<{ Params: Called }>(
    '/calendars/:name/revisions',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List revisions of a calendar',
        description: 'Newest first. Those of deleted calendars are kept too.',
        tags,
        operationId: 'listCalendarRevisions',
        params: called,
        response: answers({
          200: { description: 'All kept revisions', schema: ref(WireCalendarRevisionList) },
        }),
      },
    },
    async (request) => {
      const revisions = await as(request).archive.past('calendar-revision', {
        owner: calendarOwner(request.params.name),
        newestFirst: true,
        limit: MAX_REVISIONS,
      });
      return { items: revisions.map(calendarRevisionToWire), next: null };
    },
  );
}

const PutQuery = query({
  dryRun: Type.Optional(Type.Boolean({ description: 'Show what would change and change nothing.' })),
});

function putRoute(app: FastifyInstance, { as }: ApiContext): void {
  app.put<{ Params: Called; Querystring: Static<typeof PutQuery> }>(
    '/calendars/:name',
    {
      config: { needs: 'edit', ofAll: true, takes: 'job' },
      schema: {
        summary: 'Create or replace a calendar',
        description:
          'Its jobs are planned again at once. With If-Match: "3", only if the calendar is at revision 3.',
        tags,
        operationId: 'putCalendar',
        params: called,
        querystring: PutQuery,
        body: {
          content: {
            'application/json': { schema: Type.Union([ref(WireCalendarDocument), Type.Unknown()]) },
            'application/yaml': { schema: Type.Union([ref(WireCalendarDocument), Type.Unknown()]) },
          },
        },
        response: answers(
          {
            200: { description: 'Changed, or already up to date', schema: ref(WireCalendarChange) },
            201: { description: 'Created', schema: ref(WireCalendarChange) },
          },
          ['INVALID_BODY', 'MISSING_FIELD', 'LIMIT_EXCEEDED', 'REVISION_CONFLICT', 'UNKNOWN_TIMEZONE'],
        ),
      },
    },
    async (request, reply) => {
      const { dryRun = false } = request.query;
      const { definition, source } = oneJob(request.body);
      const scheduler = as(request);
      const document = namedAs(definition, request.params.name, source);
      const expected = expectedRevision(request.headers['if-match']);
      const { calendar, outcome, warnings, users } = await scheduler.submit({
        kind: 'put-calendar',
        document,
        ...expandRules(checkCalendar(document, source), scheduler.now()),
        ...(expected !== undefined && { expected }),
        dryRun,
        by: requestedBy(request),
        source,
      });
      if (outcome === 'created' && !dryRun)
        reply.code(201).header('location', `/api/v1/calendars/${calendar.name}`);
      const compiled = scheduler.calendars().find(calendar.name) ?? null;
      return {
        calendar: { ...calendarToWire({ stored: calendar, compiled, users }), usable: true },
        outcome,
        warnings: [...warnings],
      };
    },
  );
}

/** The name in the address may be left out of the body, and is not another one. */
function namedAs(definition: unknown, name: string, source: string): unknown {
  if (typeof definition !== 'object' || definition === null) return definition;
  const { calendar = name } = definition as { calendar?: unknown };
  if (calendar === name) return { ...definition, calendar };
  throw new CarillonError('INVALID_FIELD', `calendar is not the name in the address, '${name}'.`, {
    field: 'calendar',
    value: calendar,
    allowed: name,
    source,
  });
}

const PreviewQuery = query({
  from: Type.Optional(instantText('Start of the range. Default: now.')),
  to: Type.Optional(instantText('End of the range, not included. Default: a year later.')),
});

function previewRoute(app: FastifyInstance, { as }: ApiContext): void {
  app.get<{ Params: Called; Querystring: Static<typeof PreviewQuery> }>(
    '/calendars/:name/preview',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List the times that a calendar covers',
        tags,
        operationId: 'previewCalendar',
        params: called,
        querystring: PreviewQuery,
        response: answers({ 200: { description: 'The windows', schema: ref(WireCalendarPreview) } }, [
          'CALENDAR_NOT_FOUND',
        ]),
      },
    },
    async (request) => {
      const scheduler = as(request);
      const view = scheduler.calendars().one(request.params.name);
      const { fromMs = scheduler.now(), toMs = fromMs + YEAR_MS } = readSpan(request.query);
      if (toMs < fromMs) throw reversed({ from: iso(fromMs), to: iso(toMs) });
      if (toMs - fromMs > MAX_RANGE_MS)
        throw new CarillonError('INVALID_FIELD', 'The range is longer than 11 years.', {
          field: 'to',
          value: iso(toMs),
          allowed: 'at most 11 years after from',
          source: 'query',
        });
      return coveredIn(view, { fromMs, toMs });
    },
  );
}
