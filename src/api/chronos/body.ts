/**
 * Request bodies as Chronos clients send them: JSON, even if the content type is missing or wrong. Only types
 * that another web page can post are refused; Chronos refused them too.
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

/** Parses the body. INVALID_BODY if it is not JSON. */
export function jsonBody(request: FastifyRequest): unknown {
  const type = request.headers['content-type'] ?? '';
  if (formTypes.test(type)) {
    throw new CarillonError('INVALID_BODY', `Content type ${type} is not supported.`, {
      field: 'content-type',
      value: type,
      allowed: 'application/json',
    });
  }
  // Some editors start a file with a byte order mark, which is not JSON. Chronos ignored it.
  const bytes = withoutMark(request.body instanceof Uint8Array ? request.body : new Uint8Array());
  const value = parseJson(bytes);
  if (value !== undefined) return value;
  throw new CarillonError('INVALID_BODY', 'The body is not valid JSON at line 1, column 1.', {
    field: 'body',
    allowed: 'JSON',
  });
}
