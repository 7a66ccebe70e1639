/**
 * Accepts a job in Chronos' form: creates it or replaces the job of that name, like POST in Chronos. Fields
 * that the engine does not support (limits, placement) are stored and reported, not refused, because Chronos
 * clients send them with every job.
 */

import type { FastifyReply, FastifyRequest } from 'fastify';
import { CarillonError } from '../../errors.ts';
import { droppable, type Unmapped } from '../../scheduler/chronos/aspects.ts';
import { crossFilled, type Generation } from '../../scheduler/chronos/job.ts';
import { toChronos, toDefinition } from '../../scheduler/chronos/mapping.ts';
import { nameForms, nativeName, shownName } from '../../scheduler/chronos/names.ts';
import { readChronosJob, type Sent } from '../../scheduler/chronos/read.ts';
import type { JobAnswer } from '../../scheduler/command.ts';
import type { JobView, SchedulerHandle } from '../../scheduler/handle.ts';
import { unmasked } from '../../scheduler/job/masked.ts';
import type { Log } from '../../scheduler/ports.ts';
import { type ApiContext, requestedBy } from '../context.ts';
import { jsonBody } from './body.ts';

/** Retries after concurrent changes of the same job. */
const maxTries = 8;

export interface ChronosContext extends ApiContext {
  readonly log: Log;
  readonly generation: Generation;
}

/**
 * Answers 204. Fields without effect are reported in a header and in the log, and in the body to clients that
 * accept JSON.
 */
export async function submitJob(
  context: ChronosContext,
  request: FastifyRequest,
  reply: FastifyReply,
  kind: 'iso8601' | 'dependency',
): Promise<FastifyReply> {
  const sent = fitting(readChronosJob(jsonBody(request)), kind);
  const { job } = sent;
  const scheduler = context.as(request);
  checkName(scheduler, context.generation, job.name);
  if (job.fetch.length > 0 && job.uris.some((uri) => !job.fetch.some((each) => each.uri === uri))) {
    throw new CarillonError(
      'INVALID_FIELD',
      `Tried to add both uri (deprecated) and fetch parameters on ${job.name}`,
      { field: 'uris', allowed: 'one of uris and fetch' },
    );
  }
  const by = requestedBy(request);
  const answer = await put(scheduler, context.generation, { sent, by });
  const name = nativeName(job.name);
  const idle = answer.state.paused !== null || answer.state.disabled !== null;
  // A job that has run for the last time reads as disabled without being paused.
  if (idle !== job.disabled && toChronos(scheduler.job(name)).disabled !== job.disabled)
    await scheduler.submit({ kind: job.disabled ? 'pause' : 'resume', name, by });
  const warnings = [...sent.taken, ...answer.warnings];
  if (answer.outcome === 'unchanged' || warnings.length === 0) return reply.code(204).send();
  context.log.warn({ job: job.name, warnings }, 'chronos.kept-with-difference');
  reply.header('x-carillon-warning', headerText(warnings.join('; ')));
  // Chronos answers 204, so only clients that request JSON explicitly read a body.
  if (!/\bapplication\/json\b/i.test(request.headers.accept ?? '')) return reply.code(204).send();
  return reply.code(200).send({ status: 'OK', message: warnings.join('; ') });
}

/** Checks that the generation allows the name and that no other job has it. */
function checkName(scheduler: SchedulerHandle, generation: Generation, name: string): void {
  const value = name.slice(0, 80);
  const here = jobHere(scheduler, nativeName(name));
  const known = here === null ? null : shownName(here.job.definition);
  if (known === name) return;
  const allowed = nameForms[generation];
  if (!new RegExp(`^${allowed}$`).test(name)) {
    throw new CarillonError(
      'INVALID_FIELD',
      `the job's name is invalid: '${value}'. Allowed names: '(${allowed})'`,
      { field: 'name', value },
    );
  }
  if (known === null) return;
  throw new CarillonError(
    'INVALID_FIELD',
    `the job's name '${value}' is taken: here it is the same as '${known}'`,
    { field: 'name', value },
  );
}

/** Headers allow printable ASCII only, and proxies refuse long ones. */
const headerText = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 2_000);

/** A job with a schedule and a dependent job have different addresses. */
function fitting(sent: Sent, kind: 'iso8601' | 'dependency'): Sent {
  const { job } = sent;
  const parents = job.parents ?? [];
  if (kind === 'dependency') {
    if (parents.length > 0) return sent;
    throw new CarillonError('MISSING_FIELD', 'Error, parent does not exist: parents names no job', {
      field: 'parents',
      allowed: 'names of jobs; send a job with a schedule to iso8601',
    });
  }
  if (parents.length === 0) return { ...sent, job: { ...job, parents: null } };
  throw new CarillonError('INVALID_FIELD', 'A job with parents must be sent to dependency, not to iso8601.', {
    field: 'parents',
    allowed: 'no parents',
  });
}

async function put(
  scheduler: SchedulerHandle,
  generation: Generation,
  { sent, by }: { readonly sent: Sent; readonly by: string },
): Promise<JobAnswer> {
  let unmapped: readonly Unmapped[] = [];
  for (let tried = 1; ; tried++) {
    const before = knownJob(scheduler, sent.job.name);
    try {
      return await scheduler.submit({
        kind: 'put-job',
        definition: toDefinition(withCredentials(sent, before), {
          generation,
          now: scheduler.now(),
          before,
          unmapped,
        }),
        mode: 'replace',
        expected: before?.job.revision ?? 0,
        by,
        source: 'body',
      });
    } catch (error) {
      if (!(error instanceof CarillonError) || tried === maxTries) throw error;
      const refused = refusedPart(error);
      if (refused !== null && !unmapped.includes(refused)) unmapped = [...unmapped, refused];
      else if (error.code !== 'REVISION_CONFLICT') throw error;
    }
  }
}

/** Replaces credentials that the client read as `***` with those of the job; see masked.ts. */
function withCredentials(sent: Sent, before: JobView | null): Sent {
  const stored = before && crossFilled(toChronos(before));
  return { ...sent, job: unmasked(sent.job, stored, 'body') };
}

/**
 * Returns the field that the job can do without because the engine does not support it. Null: the refusal
 * stands.
 */
function refusedPart({ code, details: { field = '' } }: CarillonError): Unmapped | null {
  if (code !== 'UNSUPPORTED_BY_ENGINE' && code !== 'ENGINE_NOT_CONFIGURED') return null;
  return droppable.find((part) => field === `run.${part}` || field.startsWith(`run.${part}.`)) ?? null;
}

/** Finds a job by the name as sent or as stored here. Null if there is none. */
export function knownJob(scheduler: SchedulerHandle, name: string): JobView | null {
  const view = jobHere(scheduler, nativeName(name));
  return view !== null && (name === view.job.name || name === shownName(view.job.definition)) ? view : null;
}

function jobHere(scheduler: SchedulerHandle, name: string): JobView | null {
  try {
    return scheduler.job(name);
  } catch (error) {
    if (error instanceof CarillonError && error.code === 'JOB_NOT_FOUND') return null;
    throw error;
  }
}
