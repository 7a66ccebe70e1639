/**
 * Errors in the forms that Chronos clients know: 400 for unknown or invalid input, as JSON in the third
 * generation and as plain text in the second. Temporary failures stay 503.
 */

import { STATUS_CODES } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { CarillonError } from '../../errors.ts';
import type { Generation } from '../../scheduler/chronos/job.ts';
import { shownInMessage } from '../../scheduler/job/masked.ts';
import type { Log } from '../../scheduler/ports.ts';
import { askToLogIn, toCatalogue } from '../wire/error-map.ts';

/** For the routes of one generation; call it before they are added. */
export function answerErrors(app: FastifyInstance, log: Log, generation: Generation): void {
  app.setErrorHandler((error, request, reply) => {
    const expected = error instanceof CarillonError ? error : toCatalogue(error, request);
    if (expected === null) {
      log.error({ error, requestId: request.id, method: request.method, url: request.url }, 'request.failed');
      return answer(reply, generation, 500, `See the log of the server for the request ${request.id}.`);
    }
    askToLogIn(expected, request, reply);
    if (expected.status === 413 || expected.status === 408) reply.header('connection', 'close');
    if (expected.status === 503) reply.header('retry-after', '1');
    return answer(reply, generation, statusOf(expected), shownInMessage(expected.message));
  });
  app.setNotFoundHandler(({ url }, reply) =>
    answer(reply, generation, 404, `There is nothing at ${url.split('?', 1)[0]!.slice(0, 200)}.`),
  );
}

/** Chronos never used these statuses. */
const ownStatuses = new Set([401, 403, 405, 408, 421, 429]);

/** Chronos answered 400 for all invalid input; its framework answered 415 for an unsupported content type. */
function statusOf({ code, status, details }: CarillonError): number {
  if (status >= 500 || ownStatuses.has(status) || code === 'NOT_FOUND') return status;
  return details.field === 'content-type' ? 415 : 400;
}

function answer(reply: FastifyReply, generation: Generation, status: number, message: string): FastifyReply {
  reply.code(status);
  if (generation === 2) return reply.type('text/plain; charset=utf-8').send(message);
  return reply
    .type('application/json')
    .send(JSON.stringify({ status: STATUS_CODES[status] ?? String(status), message }));
}

/** Chronos' own message for an unknown job, depending on how it looked the job up. */
export const noSuchJob = (name: string, words: 'requirement failed: Job' | 'JobSchedule'): CarillonError =>
  new CarillonError('JOB_NOT_FOUND', `${words} '${name}' not found`, { field: 'name', value: name });
