/** Routes that report results: complete a callback run, mark a job's last run as succeeded. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { type ApiContext, requestedBy } from '../context.ts';
import { answers, type Identified, identified, type Named, named } from '../endpoint.ts';
import { triggerId } from '../trigger-id.ts';
import { WireRun } from '../wire/schema.ts';
import { ref } from '../wire/shape.ts';
import { runToWire } from '../wire/to-wire.ts';

const tags = ['runs'];

const Word = Type.Object({ succeeded: Type.Boolean() }, { additionalProperties: false });

export function verdictRoutes(app: FastifyInstance, { as }: ApiContext): void {
  app.post<{ Params: Identified; Body: Static<typeof Word> }>(
    '/runs/:id/complete',
    {
      config: { needs: 'operate' },
      schema: {
        summary: 'Report the result of a run with completion: callback',
        description: 'While the command still runs, the result is stored and the run ends with the command.',
        tags,
        operationId: 'completeRun',
        params: identified,
        body: Word,
        response: answers({ 200: { description: 'The run', schema: ref(WireRun) } }, [
          'INVALID_BODY',
          'MISSING_FIELD',
          'RUN_NOT_FOUND',
          'RUN_ENDED',
          'JOB_RUNS_ELSEWHERE',
          'OUTCOME_NOT_AWAITED',
        ]),
      },
    },
    async (request) => {
      // Distinguishes an ended run from one that never existed.
      const scheduler = as(request);
      const { id } = await scheduler.run(request.params.id);
      const { succeeded } = request.body;
      return runToWire(
        await scheduler.submit({ kind: 'complete', runId: id, succeeded, by: requestedBy(request) }),
      );
    },
  );

  app.post<{ Params: Named }>(
    '/jobs/:name/mark-success',
    {
      config: { needs: 'operate' },
      schema: {
        summary: "Mark the job's last run as succeeded and trigger its children",
        description:
          'Does not run the job. Repeating the request with the same Idempotency-Key has no further effect.',
        tags,
        operationId: 'markSuccess',
        params: named,
        response: answers(
          { 200: { description: 'The run that stands for the success', schema: ref(WireRun) } },
          ['JOB_NOT_FOUND'],
        ),
      },
    },
    async (request) =>
      runToWire(
        await as(request).submit({
          kind: 'mark-success',
          name: request.params.name,
          triggerId: triggerId(request),
          by: requestedBy(request),
        }),
      ),
  );
}
