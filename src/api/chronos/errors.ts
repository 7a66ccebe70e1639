/**
 * Failures in the forms that clients of Chronos know: 400 for whatever is unknown or wrong, as JSON in the
 * third generation and as plain text in the second. What the surroundings can't give now stays a 503.
 */

import { STATUS_CODES } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { CarillonError } from '../../errors.ts';
import type { Generation } from '../../scheduler/chronos/job.ts';
import { shownInMessage } from '../../scheduler/job/masked.ts';
import type { Log } from '../../scheduler/ports.ts';
import { toCatalogue } from '../wire/error-map.ts';

/** For the routes of one generation, before they are added. */
export function answerErrors(app: FastifyInstance, log: Log, generation: Generation): void {
  app.setErrorHandler((error, request, reply) => {
    const expected = error instanceof CarillonError ? error : toCatalogue(error, request);
    if (expected === null) {
      log.error({ error, requestId: request.id, method: request.method, url: request.url }, 'request.failed');
      return answer(reply, generation, 500, `See the log of the server for the request ${request.id}.`);
    }
    if (expected.status === 413 || expected.status === 408) reply.header('connection', 'close');
    if (expected.status === 503) reply.header('retry-after', '1');
    return answer(reply, generation, statusOf(expected), shownInMessage(expected.message));
  });
  app.setNotFoundHandler(({ url }, reply) =>
    answer(reply, generation, 404, `There is nothing at ${url.split('?', 1)[0]!.slice(0, 200)}.`),
  );
}

/** Chronos never had these. */
const ownStatuses = new Set([405, 408, 421]);

/** Chronos' own word for whatever is wrong is 400; its framework's for a type that is not read is 415. */
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

/** The name was looked for as Chronos does, and is told in its words. */
export const noSuchJob = (name: string, words: 'requirement failed: Job' | 'JobSchedule'): CarillonError =>
  new CarillonError('JOB_NOT_FOUND', `${words} '${name}' not found`, { field: 'name', value: name });
