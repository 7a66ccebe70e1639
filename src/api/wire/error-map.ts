/**
 * The one place where failures become answers: `application/problem+json` with a catalogue code. What is not
 * expected is answered as INTERNAL without a word about the inside, and logged under the request's id.
 */

import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CarillonError, catalogue, type ErrorCode, type ErrorDetails } from '../../errors.ts';
import { shownInMessage } from '../../scheduler/job/masked.ts';
import type { Log } from '../../scheduler/ports.ts';
import type { WireProblem } from './schema.ts';

export const problemType = 'application/problem+json; charset=utf-8';

const typeOf = (code: string) => `urn:carillon:problem:${code}`;

/** The form of a catalogue error on the wire. */
export function toProblem(error: {
  readonly code: string;
  readonly message: string;
  readonly details: ErrorDetails;
}): WireProblem {
  const code = error.code in catalogue ? (error.code as keyof typeof catalogue) : 'INTERNAL';
  if (code === 'INTERNAL') return internalProblem(null);
  const { others } = error.details;
  return {
    type: typeOf(code),
    title: catalogue[code].title,
    status: catalogue[code].status,
    ...told({ code, message: error.message, details: error.details }),
    ...(others !== undefined && { others: others.map(told) }),
  };
}

interface Expected {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
}

function told({ code, message, details }: Expected): NonNullable<WireProblem['others']>[number] {
  const { field, value, allowed, source, names } = details;
  return {
    code,
    detail: shownInMessage(message),
    ...(field !== undefined && { field }),
    ...(value !== undefined && { value: typeof value === 'string' ? shownInMessage(value) : value }),
    ...(allowed !== undefined && { allowed: typeof allowed === 'string' ? allowed : [...allowed] }),
    ...(source !== undefined && { source }),
    ...(names !== undefined && { names: [...names] }),
  };
}

function internalProblem(requestId: string | null): WireProblem {
  return {
    type: typeOf('INTERNAL'),
    title: 'Something broke inside',
    status: 500,
    code: 'INTERNAL',
    detail:
      requestId === null
        ? 'This is a fault of the program.'
        : `This is a fault of the program. Its log has more under the request id ${requestId}.`,
    ...(requestId !== null && { requestId }),
  };
}

/** Answers with any error; the error handler of the app. */
export function sendError(
  log: Log,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const expected = error instanceof CarillonError ? error : toCatalogue(error, request);
  if (expected === null) {
    log.error({ error, requestId: request.id, method: request.method, url: request.url }, 'request.failed');
  }
  const problem = expected === null ? internalProblem(request.id) : toProblem(expected);
  if (problem.status === 503) reply.header('retry-after', '1');
  // A body that was refused before its end is not read on: this connection has nothing more to say.
  if (problem.status === 413 || problem.status === 408) reply.header('connection', 'close');
  return reply.code(problem.status).header('content-type', problemType).send(JSON.stringify(problem));
}

/** What the framework refuses before a route is asked; null for anything that is not the request's fault. */
export function toCatalogue(error: unknown, request: FastifyRequest): CarillonError | null {
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message?: string };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return bodyTooLarge(request.routeOptions.bodyLimit, Number(request.headers['content-length']) || null);
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    const type = request.headers['content-type'] ?? 'no content type';
    return new CarillonError(
      'INVALID_BODY',
      `A body of type ${JSON.stringify(type)} is not read. Say Content-Type: application/json, or application/yaml for jobs.`,
      {
        field: 'content-type',
        value: type,
        allowed: ['application/json', 'application/yaml'],
        source: 'header',
      },
    );
  }
  if (code === 'FST_ERR_BAD_URL' || code === 'FST_ERR_MAX_PARAM_LENGTH') {
    return new CarillonError(
      'NOT_FOUND',
      `The address ${JSON.stringify(request.url.slice(0, 200))} can not be read.`,
      {
        source: 'path',
      },
    );
  }
  if (code?.startsWith('FST_') && statusCode !== undefined && statusCode < 500) {
    return new CarillonError('INVALID_BODY', message ?? 'The request can not be read.', { source: 'body' });
  }
  return null;
}

export function bodyTooLarge(most: number, length: number | null): CarillonError {
  return new CarillonError('LIMIT_EXCEEDED', `The body is larger than ${most} bytes.`, {
    field: 'body',
    value: length,
    allowed: `at most ${most} bytes`,
    source: 'body',
  });
}

/** The answer to addresses where nothing is. */
export function nothingHere(request: FastifyRequest): CarillonError {
  const path = request.url.split('?', 1)[0]!.slice(0, 200);
  return new CarillonError(
    'NOT_FOUND',
    `There is nothing at ${request.method} ${path}. /api/v1/openapi.json lists what there is.`,
    { field: 'path', value: path, source: 'path' },
  );
}

/**
 * Answers what came over a connection and is no request, in the form of all other refusals; ends the connection.
 * While an earlier request is being answered, nothing can be sent.
 */
export function answerNoRequest(error: { readonly code?: string }, socket: Socket): void {
  // Reset by the client, or the answer to an earlier request has begun.
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const problem = toProblem(noRequest(error.code));
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function noRequest(code: string | undefined): CarillonError {
  const source = 'header';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new CarillonError('TOO_SLOW', 'The request did not arrive as a whole in time.', { source });
  if (code === 'HPE_HEADER_OVERFLOW') {
    const allowed = 'at most 16 KiB of address and headers';
    return new CarillonError(
      'INVALID_FIELD',
      `The address and the headers are too long. Allowed: ${allowed}.`,
      {
        field: 'header',
        allowed,
        source,
      },
    );
  }
  return new CarillonError('INVALID_FIELD', 'The request is not HTTP/1.1 or HTTP/1.0.', { source });
}
