/** Skips or moves one due time of a job. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { ExceptionAnswer } from '../../../scheduler/command.ts';
import { type ApiContext, requestedBy } from '../../context.ts';
import { answers, instantText, type Named, named } from '../../endpoint.ts';
import { WireException } from '../../wire/calendars/calendars.ts';
import { iso, isoOrNull, readInstant } from '../../wire/instants.ts';
import { ref } from '../../wire/shape.ts';

const tags = ['schedules'];
const reason = Type.Optional(Type.String({ maxLength: 500, description: 'Why; in the ledger.' }));
const closed = { additionalProperties: false };
const SkipBody = Type.Object({ reason }, closed);
const MoveBody = Type.Object(
  {
    from: instantText('A due time to come.'),
    to: instantText('When the run is due instead.'),
    reason,
  },
  closed,
);
const ClearBody = Type.Object({ at: instantText('The due time that was skipped or moved.') }, closed);
const answered = answers({ 200: { description: 'What was changed', schema: ref(WireException) } }, [
  'INVALID_BODY',
  'MISSING_FIELD',
  'LIMIT_EXCEEDED',
  'JOB_NOT_FOUND',
]);
const common = { tags, params: named, response: answered };

export function exceptionRoutes(app: FastifyInstance, { as }: ApiContext): void {
  app.post<{ Params: Named; Body: Static<typeof SkipBody> | undefined }>(
    '/jobs/:name/skip-next',
    {
      config: { needs: 'operate' },
      schema: { summary: 'Skip the next due time', operationId: 'skipNext', body: SkipBody, ...common },
    },
    async (request) =>
      shown(
        await as(request).submit({
          kind: 'skip-next',
          name: request.params.name,
          reason: request.body?.reason ?? '',
          by: requestedBy(request),
        }),
      ),
  );
  app.post<{ Params: Named; Body: Static<typeof MoveBody> }>(
    '/jobs/:name/move',
    {
      config: { needs: 'operate' },
      schema: {
        summary: 'Move the run of one due time',
        description: 'Earlier only if no other due time lies between.',
        operationId: 'moveDue',
        body: MoveBody,
        ...common,
      },
    },
    async (request) =>
      shown(
        await as(request).submit({
          kind: 'move-due',
          name: request.params.name,
          from: readInstant(request.body.from, 'from', 'body'),
          to: readInstant(request.body.to, 'to', 'body'),
          reason: request.body.reason ?? '',
          by: requestedBy(request),
        }),
      ),
  );
  app.post<{ Params: Named; Body: Static<typeof ClearBody> }>(
    '/jobs/:name/clear-exception',
    {
      config: { needs: 'operate' },
      schema: {
        summary: 'Take back that a due time was skipped or moved',
        operationId: 'clearException',
        body: ClearBody,
        ...common,
      },
    },
    async (request) =>
      shown(
        await as(request).submit({
          kind: 'clear-exception',
          name: request.params.name,
          at: readInstant(request.body.at, 'at', 'body'),
          by: requestedBy(request),
        }),
      ),
  );
}

const shown = ({
  name,
  exception: { at, to, by, reason },
}: ExceptionAnswer): Static<typeof WireException> => ({
  job: name,
  at: iso(at),
  movedTo: isoOrNull(to),
  by,
  reason,
});
