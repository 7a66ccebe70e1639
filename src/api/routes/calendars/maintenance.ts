/** Maintenance: nothing new starts for a time, and runs in progress continue. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { type ApiContext, requestedBy } from '../../context.ts';
import { answers, instantText } from '../../endpoint.ts';
import { maintenanceToWire, WireMaintenance, WireMaintenanceList } from '../../wire/calendars/calendars.ts';
import { readInstant } from '../../wire/instants.ts';
import { ref } from '../../wire/shape.ts';

const tags = ['maintenance'];

const MaintenanceBody = Type.Object(
  {
    until: instantText('When it ends by itself: at most 366 days from now.'),
    reason: Type.String({ minLength: 1, maxLength: 500, description: 'Why; shown where runs wait.' }),
    labels: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        maxProperties: 20,
        description: 'Only jobs with all of these labels. Default: every job.',
      }),
    ),
  },
  { additionalProperties: false },
);

export function maintenanceRoutes(app: FastifyInstance, { as }: ApiContext): void {
  app.get(
    '/maintenance',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List maintenance in progress',
        tags,
        operationId: 'listMaintenance',
        response: answers({ 200: { description: 'All', schema: ref(WireMaintenanceList) } }),
      },
    },
    async (request) => ({
      items: [...as(request).calendars().maintenance()]
        .sort((a, b) => a.from - b.from || (a.id < b.id ? -1 : 1))
        .map(maintenanceToWire),
      next: null,
    }),
  );

  app.post<{ Body: Static<typeof MaintenanceBody> }>(
    '/maintenance',
    {
      config: { needs: 'operate', ofAll: true },
      schema: {
        summary: 'Begin a maintenance, or change its end',
        description:
          'Runs that become due are queued until it ends, manual ones and retries too. Runs in progress continue. There is one for ' +
          'each set of labels.',
        tags,
        operationId: 'beginMaintenance',
        body: MaintenanceBody,
        response: answers({ 200: { description: 'The maintenance', schema: ref(WireMaintenance) } }, [
          'INVALID_BODY',
          'MISSING_FIELD',
          'LIMIT_EXCEEDED',
        ]),
      },
    },
    async (request) => {
      const { until, reason, labels = {} } = request.body;
      return maintenanceToWire(
        await as(request).submit({
          kind: 'begin-maintenance',
          labels,
          until: readInstant(until, 'until', 'body'),
          reason,
          by: requestedBy(request),
        }),
      );
    },
  );

  app.delete<{ Params: { id: string } }>(
    '/maintenance/:id',
    {
      config: { needs: 'operate', ofAll: true },
      schema: {
        summary: 'End a maintenance',
        description: 'Runs that wait for its end start at once.',
        tags,
        operationId: 'endMaintenance',
        params: Type.Object({
          id: Type.String({ maxLength: 1_000, description: 'Its id: all, or its labels.' }),
        }),
        response: answers({ 200: { description: 'The maintenance', schema: ref(WireMaintenance) } }, [
          'MAINTENANCE_NOT_FOUND',
        ]),
      },
    },
    async (request) =>
      maintenanceToWire(
        await as(request).submit({
          kind: 'end-maintenance',
          id: request.params.id,
          by: requestedBy(request),
        }),
      ),
  );
}
