/**
 * Bodies as clients of Chronos send them: JSON, also where the content type is missing or odd. Only the types
 * that a foreign web page can post are not read as jobs; Chronos did not read them either.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CarillonError } from '../../errors.ts';
import { placeOfMistake } from '../json-place.ts';

const formTypes = /^(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\b/i;

export function readAnyBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => done(null, String(text)));
}

/** INVALID_BODY for what is no JSON. */
export function jsonBody(request: FastifyRequest): unknown {
  const type = request.headers['content-type'] ?? '';
  // Some editors begin a file with a mark of its byte order, which is no JSON; Chronos read over it.
  const text = typeof request.body === 'string' ? request.body.replace(/^\uFEFF/, '') : '';
  if (formTypes.test(type)) {
    throw new CarillonError('INVALID_BODY', `A body of type ${type} is not read.`, {
      field: 'content-type',
      value: type,
      allowed: 'application/json',
    });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { line, column } = placeOfMistake(text);
    throw new CarillonError('INVALID_BODY', `The body is not JSON from line ${line}, column ${column} on.`, {
      field: 'body',
      allowed: 'JSON',
    });
  }
}
