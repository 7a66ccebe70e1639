/** Heartbeats: whoever runs a job without `run` reports its starts and ends. */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { ReportStep } from '../../scheduler/command.ts';
import { MAX_REPORT_AGE_MS } from '../../scheduler/rules/reports.ts';
import { type ApiContext, requestedBy } from '../context.ts';
import { answers, type Named, named, query } from '../endpoint.ts';
import { reportId } from '../trigger-id.ts';
import { WireHeartbeat } from '../wire/heartbeat.ts';
import { apiLimits } from '../wire/limits.ts';
import { ref } from '../wire/shape.ts';

const common = {
  rid: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 256,
      description:
        'Chosen by the reporter: equal in the reports about one run. Repeating a report with it changes nothing.',
    }),
  ),
  ago: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: MAX_REPORT_AGE_MS,
      description: 'How many milliseconds ago it happened. Default: 0.',
    }),
  ),
};
const StartQuery = query(common);
const duration = Type.Optional(
  Type.Integer({ minimum: 0, maximum: MAX_REPORT_AGE_MS, description: 'How many milliseconds it ran.' }),
);
const SuccessQuery = query({ ...common, duration });
const FailQuery = query({
  ...common,
  duration,
  exitCode: Type.Optional(
    Type.Integer({ minimum: -2_147_483_648, maximum: 2_147_483_647, description: 'Its exit code.' }),
  ),
});

const steps: readonly {
  readonly step: ReportStep;
  readonly path: string;
  readonly summary: string;
  readonly operationId: string;
  readonly querystring: typeof StartQuery | typeof SuccessQuery | typeof FailQuery;
}[] = [
  {
    step: 'success',
    path: '/heartbeats/:name',
    summary: 'Report that a run that somebody else runs has succeeded',
    operationId: 'reportSuccess',
    querystring: SuccessQuery,
  },
  {
    step: 'start',
    path: '/heartbeats/:name/start',
    summary: 'Report that a run that somebody else runs has started',
    operationId: 'reportStart',
    querystring: StartQuery,
  },
  {
    step: 'fail',
    path: '/heartbeats/:name/fail',
    summary: 'Report that a run that somebody else runs has failed',
    operationId: 'reportFailure',
    querystring: FailQuery,
  },
];

const description =
  'Of a job without run. Responds once the report is recorded. The body of a success or a failure, of any type, is kept as ' +
  'the output of the run.';

type Reported = { Params: Named; Querystring: Static<typeof FailQuery>; Body: Buffer | undefined };

export function heartbeatRoutes(app: FastifyInstance, context: ApiContext): void {
  app.register(async (scope) => {
    // The output is no document, whatever its client says.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, async (_: FastifyRequest, bytes: Buffer) => bytes);
    for (const { step, path, summary, operationId, querystring } of steps) {
      scope.post<Reported>(
        path,
        {
          bodyLimit: apiLimits.outputBytes,
          config: { needs: 'operate' },
          schema: {
            summary,
            description,
            tags: ['runs'],
            operationId,
            params: named,
            querystring,
            body: Type.Unsafe<Buffer>({ description: 'The last output of the run.' }),
            response: answers({ 200: { description: 'What became of it', schema: ref(WireHeartbeat) } }, [
              'JOB_NOT_FOUND',
              'REPORT_NOT_AWAITED',
              'LIMIT_EXCEEDED',
            ]),
          },
        },
        (request) => report(context, request, step),
      );
    }
  });
}

async function report(
  { as }: ApiContext,
  request: FastifyRequest<Reported>,
  step: ReportStep,
): Promise<WireHeartbeat> {
  const { name } = request.params;
  const { rid = null, ago = 0, duration = null, exitCode = null } = request.query;
  const { run, repeated } = await as(request).report({
    name,
    step,
    key: rid,
    triggerId: reportId(name, rid),
    agoMs: ago,
    durationMs: duration,
    exitCode,
    output: step === 'start' ? null : (request.body ?? null),
    by: requestedBy(request),
  });
  return { job: name, run: run?.id ?? null, state: run?.state ?? null, repeated };
}
