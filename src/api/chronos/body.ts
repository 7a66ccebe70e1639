/**
 * Bodies as clients of Chronos send them: JSON, also where the content type is missing or odd. Only the types
 * that a foreign web page can post are not read as jobs; Chronos did not read them either.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CarillonError } from '../../errors.ts';
import { withoutMark } from '../../job-file/utf8.ts';
import { parseJson } from '../body/read.ts';
import { apiLimits } from '../wire/limits.ts';

const formTypes = /^(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\b/i;

export function readAnyBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, bytes, done) => done(null, bytes));
  app.addHook('onRoute', (route) => {
    route.bodyLimit ??= Math.min(apiLimits.jobBytes, app.initialConfig.bodyLimit ?? apiLimits.jobBytes);
  });
}

/** INVALID_BODY for what is no JSON. */
export function jsonBody(request: FastifyRequest): unknown {
  const type = request.headers['content-type'] ?? '';
  if (formTypes.test(type)) {
    throw new CarillonError('INVALID_BODY', `A body of type ${type} is not read.`, {
      field: 'content-type',
      value: type,
      allowed: 'application/json',
    });
  }
  // Some editors begin a file with a mark of its byte order, which is no JSON; Chronos read over it.
  const bytes = withoutMark(request.body instanceof Uint8Array ? request.body : new Uint8Array());
  const value = parseJson(bytes);
  if (value !== undefined) return value;
  throw new CarillonError('INVALID_BODY', 'The body is not JSON from line 1, column 1 on.', {
    field: 'body',
    allowed: 'JSON',
  });
}
