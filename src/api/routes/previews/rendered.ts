/** What the templates of a job become: for a run that is not there yet, and for one that is. */

import type { FastifyInstance } from 'fastify';
import type { SchedulerHandle } from '../../../scheduler/handle.ts';
import type { JobDefinition } from '../../../scheduler/job/definition.ts';
import { shown } from '../../../scheduler/job/masked.ts';
import { readParams, withDefaults } from '../../../scheduler/job/params.ts';
import { tryRendered } from '../../../scheduler/job/template.ts';
import { runId } from '../../../scheduler/model/ids.ts';
import { type GivenRun, templateRun } from '../../../scheduler/rules/given/launched.ts';
import { previousInstant } from '../../../scheduler/schedule/next.ts';
import { compileSchedule } from '../../../scheduler/schedule/parse.ts';
import type { ApiContext } from '../../context.ts';
import { answers, type Identified, identified, type Named, named } from '../../endpoint.ts';
import { iso, readInstant } from '../../wire/instants.ts';
import { WireRendered, WireRenderRequest } from '../../wire/rendered.ts';
import { ref } from '../../wire/shape.ts';

export function renderedRoutes(app: FastifyInstance, { as }: ApiContext): void {
  app.post<{ Params: Named; Body: WireRenderRequest | undefined }>(
    '/jobs/:name/render',
    {
      config: { needs: 'read' },
      schema: {
        summary: "Show what a job's templates become",
        description: 'For a due time and parameters. Stores and starts nothing.',
        tags: ['jobs'],
        operationId: 'renderJob',
        params: named,
        body: WireRenderRequest,
        response: answers({ 200: { description: 'The fields', schema: ref(WireRendered) } }, [
          'INVALID_BODY',
          'MISSING_FIELD',
          'JOB_NOT_FOUND',
          'LIMIT_EXCEEDED',
        ]),
      },
    },
    async (request): Promise<WireRendered> => {
      const scheduler = as(request);
      const { job, nextDue } = scheduler.job(request.params.name);
      const { due: asked, params: given = {} } = request.body ?? {};
      const due = asked === undefined ? (nextDue ?? scheduler.now()) : readInstant(asked, 'due', 'body');
      const declared = job.definition.params;
      const params = withDefaults(declared, readParams(declared, given));
      const from = job.resolved === null ? null : previousInstant(compileSchedule(job.resolved), due);
      const interval = from === null ? {} : { interval: { from, to: due } };
      const run = { id: runId(job.name, due, ''), job: job.name, due, params, ...interval };
      return rendered(job.definition, { run, attempt: 1, revision: job.revision });
    },
  );

  app.get<{ Params: Identified }>(
    '/runs/:id/rendered',
    {
      config: { needs: 'read' },
      schema: {
        summary: "Show what the job's templates became for a run",
        description:
          'Of its newest attempt, or of the first one to come. Empty if the revision is no longer kept.',
        tags: ['runs'],
        operationId: 'getRenderedRun',
        params: identified,
        response: answers({ 200: { description: 'The fields', schema: ref(WireRendered) } }, [
          'RUN_NOT_FOUND',
        ]),
      },
    },
    async (request): Promise<WireRendered> => {
      const scheduler = as(request);
      const run = await scheduler.run(request.params.id);
      const definition = await definitionOf(scheduler, run.job, run.revision);
      const attempt = Math.max(1, run.attempts.length);
      return rendered(definition, { run, attempt, revision: run.revision });
    },
  );
}

/** Null: it is not kept any more, or was removed. */
async function definitionOf(
  scheduler: SchedulerHandle,
  name: string,
  number: number,
): Promise<JobDefinition | null> {
  const revisions = await scheduler.archive.revisions(name);
  return revisions.find(({ revision }) => revision === number)?.definition ?? null;
}

function rendered(
  definition: JobDefinition | null,
  { run, attempt, revision }: { readonly run: GivenRun; readonly attempt: number; readonly revision: number },
): WireRendered {
  const all = definition === null ? [] : tryRendered(definition, templateRun(definition, run, attempt));
  const condition = all.find(({ field }) => field === 'runIf')?.value?.trim() ?? null;
  return {
    due: iso(run.due),
    params: { ...run.params },
    revision,
    runs: condition === null ? null : condition === 'true',
    fields: all.map(({ field, text, value, problem }) => ({
      field,
      template: shown(text),
      value: value === null ? null : shown(value),
      problem,
    })),
  };
}
