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

/** Converts a catalogue error to its form on the wire. */
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
    ...problemOf({ code, message: error.message, details: error.details }),
    ...(others !== undefined && { others: others.map(problemOf) }),
  };
}

interface Expected {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
}

function problemOf({ code, message, details }: Expected): NonNullable<WireProblem['others']>[number] {
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
    title: 'Internal error',
    status: 500,
    code: 'INTERNAL',
    detail:
      requestId === null
        ? 'This is a bug in the program.'
        : `This is a bug in the program. The log has details under the request id ${requestId}.`,
    ...(requestId !== null && { requestId }),
  };
}

/** Answers with any error. The app's error handler. */
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
  if (expected !== null) askToLogIn(expected, request, reply);
  const retryAfter = expected?.details.retryAfter ?? (problem.status === 503 ? 1 : null);
  if (retryAfter !== null) reply.header('retry-after', String(retryAfter));
  // The rest of a refused body is not read, so the connection cannot carry another request.
  if (problem.status === 413 || problem.status === 408) reply.header('connection', 'close');
  return reply.code(problem.status).header('content-type', problemType).send(JSON.stringify(problem));
}

/**
 * Names the ways to prove who one is. Not Basic to browsers: they would ask for a password in a window of their own,
 * in front of the web app.
 */
export function askToLogIn({ code }: CarillonError, { headers }: FastifyRequest, reply: FastifyReply): void {
  if (code !== 'UNAUTHENTICATED') return;
  const isBrowser = headers['sec-fetch-mode'] !== undefined || /^Mozilla\//.test(headers['user-agent'] ?? '');
  const ways = ['Bearer realm="Carillon"', ...(isBrowser ? [] : ['Basic realm="Carillon", charset="UTF-8"'])];
  reply.header('www-authenticate', ways);
}

/** Converts what the framework refuses before a route is called. Null: not the request's fault. */
export function toCatalogue(error: unknown, request: FastifyRequest): CarillonError | null {
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message?: string };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return bodyTooLarge(request.routeOptions.bodyLimit, Number(request.headers['content-length']) || null);
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    const type = request.headers['content-type'] ?? 'no content type';
    return new CarillonError(
      'INVALID_BODY',
      `Content type ${JSON.stringify(type)} is not supported. Use application/json, or ` +
        'application/yaml for jobs.',
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
      `The address ${JSON.stringify(request.url.slice(0, 200))} cannot be parsed.`,
      {
        source: 'path',
      },
    );
  }
  if (code?.startsWith('FST_') && statusCode !== undefined && statusCode < 500) {
    return new CarillonError('INVALID_BODY', message ?? 'The request cannot be parsed.', { source: 'body' });
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

/** The error for an address without a route. */
export function nothingHere(request: FastifyRequest): CarillonError {
  const path = request.url.split('?', 1)[0]!.slice(0, 200);
  return new CarillonError(
    'NOT_FOUND',
    `No route for ${request.method} ${path}. GET /api/v1/openapi.json lists all routes.`,
    { field: 'path', value: path, source: 'path' },
  );
}

/**
 * Answers a malformed request on a raw connection with a problem, like any other refusal, and closes the
 * connection. If an earlier request on it is being answered, or TLS has not begun, nothing can be sent.
 */
export function answerNoRequest(error: { readonly code?: string }, socket: Socket): void {
  // The client reset the connection, or the answer to an earlier request has begun. Without a handshake, an answer
  // would wait for it, and the connection with it, for as long as the client likes.
  const silent = error.code === 'ECONNRESET' || error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT';
  if (silent || !socket.writable || socket.bytesWritten > 0) {
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
    return new CarillonError('TOO_SLOW', 'The request did not arrive completely in time.', { source });
  if (code === 'HPE_HEADER_OVERFLOW') {
    const allowed = 'at most 16 KiB of address and headers';
    return new CarillonError('INVALID_FIELD', `The address and headers are too long. Allowed: ${allowed}.`, {
      field: 'header',
      allowed,
      source,
    });
  }
  return new CarillonError('INVALID_FIELD', 'The request is not HTTP/1.1 or HTTP/1.0.', { source });
}
