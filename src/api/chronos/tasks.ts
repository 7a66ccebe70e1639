/** Chronos tasks, which are runs here: kill them, report their result, mark them as succeeded. */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CarillonError } from '../../errors.ts';
import { number } from '../../scheduler/chronos/read.ts';
import { readTaskId } from '../../scheduler/chronos/task.ts';
import type { SchedulerHandle } from '../../scheduler/handle.ts';
import type { Run } from '../../scheduler/model/model.ts';
import { isRunning, isWaiting } from '../../scheduler/model/run-state.ts';
import { requestedBy } from '../context.ts';
import type { Named } from '../endpoint.ts';
import { operates } from '../guard/needs.ts';
import { triggerId } from '../trigger-id.ts';
import { jsonBody } from './body.ts';
import { jobOr } from './jobs.ts';
import { type ChronosContext, knownJob } from './submit.ts';

export function chronosTaskRoutes(app: FastifyInstance, context: ChronosContext): void {
  const { as, generation } = context;
  const kill = async (run: Run, request: FastifyRequest): Promise<void> => {
    const by = requestedBy(request);
    await unlessEnded(as(request).submit({ kind: 'kill', runId: run.id, by }));
  };

  app.delete<{ Params: Named }>('/task/kill/:name', operates, async (request, reply) => {
    const { runs } = jobOr(as(request), request.params.name, 'JobSchedule');
    // Waiting runs first; otherwise the end of a running one would start them.
    const all = [...runs].sort((a, b) => Number(isRunning(a.state)) - Number(isRunning(b.state)));
    for (const run of all) await kill(run, request);
    return reply.code(204).send();
  });

  app.put<{ Params: Named }>('/job/success/:name', operates, async (request, reply) => {
    const { name } = request.params;
    const scheduler = as(request);
    const known = knownJob(scheduler, name);
    if (known !== null)
      await scheduler.submit({
        kind: 'mark-success',
        name: known.job.name,
        triggerId: triggerId(request),
        by: requestedBy(request),
      });
    return reply
      .type('text/plain; charset=utf-8')
      .send(`marked job ${name} as successful: ${known !== null}`);
  });

  app.post<{ Params: Named & { task: string } }>(
    '/job/:name/task/:task/progress',
    operates,
    async (request, reply) => {
      jobOr(as(request), request.params.name, 'JobSchedule');
      taskOf(request.params.task);
      if (numberIn(request, 'numAdditionalElementsProcessed') < 0)
        throw notAllowed('numAdditionalElementsProcessed', 'a non-negative whole number');
      return reply.code(204).send();
    },
  );

  if (generation !== 2) return;

  app.delete('/task/all', operates, async (request, reply) => {
    for (const run of [...as(request).liveRuns()]) if (isWaiting(run.state)) await kill(run, request);
    return reply.code(204).send();
  });

  app.put<{ Params: { task: string } }>('/task/:task', operates, async (request, reply) => {
    const scheduler = as(request);
    const { due, attempt, job } = taskOf(request.params.task);
    const succeeded = numberIn(request, 'statusCode') === 0;
    const runs = knownJob(scheduler, job)?.runs ?? [];
    // Chronos accepts a report for an ended task, or for one that ends by its exit code, and ignores it.
    const run = runs.find((each) => each.due === due && each.attempts.length === attempt);
    if (run !== undefined && completesByCallback(scheduler, job))
      await unlessEnded(
        scheduler.submit({ kind: 'complete', runId: run.id, succeeded, by: requestedBy(request) }),
      );
    return reply.code(204).send();
  });
}

const completesByCallback = (scheduler: SchedulerHandle, job: string): boolean =>
  scheduler.job(job).job.definition.policy?.completion === 'callback';

/** Another request was faster, and its effect is the requested one. */
async function unlessEnded(done: Promise<unknown>): Promise<void> {
  try {
    await done;
  } catch (error) {
    if (!(error instanceof CarillonError) || error.code !== 'RUN_ENDED') throw error;
  }
}

function taskOf(id: string): NonNullable<ReturnType<typeof readTaskId>> {
  const task = readTaskId(id);
  if (task !== null) return task;
  throw new CarillonError('INVALID_FIELD', `'${id.slice(0, 80)}' is not a task id`, {
    field: 'task',
    value: id.slice(0, 80),
    allowed: 'ct:<due>:<attempt>:<job>:<arguments>',
  });
}

/** A number in the body, also as text. */
function numberIn(request: FastifyRequest, field: string): number {
  const value = (jsonBody(request) as Record<string, unknown> | null)?.[field];
  if (value === undefined || value === null) throw notAllowed(field, 'a number');
  return Math.trunc(number(value, field));
}

const notAllowed = (field: string, allowed: string): CarillonError =>
  new CarillonError('INVALID_FIELD', `The body has no ${field} that is ${allowed}.`, { field, allowed });
