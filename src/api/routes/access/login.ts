/**
 * Log-in and log-out. Each node answers them itself: what proves who asks does not leave the node that receives it.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { CarillonError, type ErrorCode } from '../../../errors.ts';
import type { Redirect } from '../../../who-asks/log-in.ts';
import type { ApiContext } from '../../context.ts';
import { answersHere, query } from '../../endpoint.ts';
import type { Credentials } from '../../guard/credentials.ts';
import { questionOf } from '../../guard/needs.ts';
import { holdWhileOpen } from '../../guard/room.ts';
import { WireDeviceLogIn, WireDeviceSession, WireLogInOptions } from '../../wire/access.ts';
import { ref } from '../../wire/shape.ts';

const tags = ['access'];
/** The body is one signed text. */
const bodyLimit = 8 * 1024;
const config = { needs: 'nothing' } as const;

const answersOfLogIn = (good: Parameters<typeof answersHere>[0], codes: readonly ErrorCode[] = []) =>
  answersHere(good, [...codes, 'BUSY']);

export function loginRoutes(app: FastifyInstance, { credentials, logIns }: ApiContext): void {
  app.addHook('preHandler', async (request, reply) => holdWhileOpen(logIns, request, reply));
  browserRoutes(app, credentials);
  tokenRoute(app, credentials);
  deviceRoutes(app, credentials);
  app.get(
    '/login/options',
    {
      config,
      schema: {
        summary: 'How people can log in',
        tags,
        operationId: 'logInOptions',
        response: answersOfLogIn({ 200: { description: 'The ways', schema: ref(WireLogInOptions) } }),
      },
    },
    async () => credentials.options(),
  );
  app.post(
    '/logout',
    {
      config,
      schema: {
        summary: 'End this session',
        description: 'Without a session it changes nothing.',
        tags,
        operationId: 'logOut',
        response: answersOfLogIn({ 200: { description: 'It has ended', schema: Empty } }, [
          'NOT_LEADING',
          'STORE_UNAVAILABLE',
        ]),
      },
    },
    async (request, reply) => {
      reply.header('set-cookie', [...(await credentials.logOut(questionOf(request)))]);
      return {};
    },
  );
}
const Empty = Type.Object({});

const ToQuery = query({
  to: Type.Optional(
    Type.String({ maxLength: 2_048, description: 'Path of this server for after the log-in. Default: /.' }),
  ),
});
/** What providers add; which of them count is up to the protocol. */
const CallbackQuery = Type.Object({}, { additionalProperties: true });
const LinkQuery = query({ code: Type.String({ maxLength: 128, description: 'The code of the link.' }) });

function browserRoutes(app: FastifyInstance, credentials: Credentials): void {
  app.get<{ Querystring: Static<typeof ToQuery> }>(
    '/login',
    {
      config,
      schema: {
        summary: 'Begin a log-in in a browser',
        description: 'Sends the browser to the identity provider.',
        tags,
        operationId: 'logIn',
        querystring: ToQuery,
        response: redirect(['NOT_FOUND', 'PROVIDER_UNAVAILABLE']),
      },
    },
    async (request, reply) =>
      sendOn(request, reply, () => credentials.begin(questionOf(request), request.query.to ?? '/')),
  );
  app.get(
    '/login/callback',
    {
      config,
      schema: {
        summary: 'End a log-in in a browser',
        description: 'The identity provider sends the browser here.',
        tags,
        operationId: 'logInCallback',
        querystring: CallbackQuery,
        response: redirect([
          ...(['UNAUTHENTICATED', 'FORBIDDEN', 'TOO_MANY_ATTEMPTS'] as const),
          ...(['NOT_FOUND', 'PROVIDER_UNAVAILABLE'] as const),
        ]),
      },
    },
    async (request, reply) => sendOn(request, reply, () => credentials.finish(questionOf(request))),
  );
  app.get<{ Querystring: Static<typeof LinkQuery> }>(
    '/login/link',
    {
      config,
      schema: {
        summary: 'Log in with the link that the server printed',
        description: 'It works once, for ten minutes, and on the host of the server.',
        tags,
        operationId: 'logInByLink',
        querystring: LinkQuery,
        response: redirect(['UNAUTHENTICATED', 'TOO_MANY_ATTEMPTS']),
      },
    },
    async (request, reply) =>
      sendOn(request, reply, () => credentials.byLink(questionOf(request), request.query.code)),
  );
}

const redirect = (codes: Parameters<typeof answersHere>[1]) =>
  answersOfLogIn(
    { 302: { description: 'To the next page', schema: Type.String(), type: 'text/plain' } },
    codes,
  );

/** A person whose log-in is refused comes to the page for log-ins, which says so in words. */
async function sendOn(
  request: FastifyRequest,
  reply: FastifyReply,
  act: () => Promise<Redirect>,
): Promise<FastifyReply> {
  const { location, cookies } = await act().catch((error: unknown): Redirect => {
    if (!(error instanceof CarillonError) || !isOfPerson(request)) throw error;
    return { location: `/log-in?${refusedBy(error)}`, cookies: [] };
  });
  return reply
    .code(302)
    .header('location', location)
    .header('set-cookie', [...cookies])
    .type('text/plain')
    .send('');
}

/** A browser that shows the answer, not a program. */
const isOfPerson = ({ headers: { accept = '' } }: FastifyRequest): boolean => accept.includes('text/html');

/** Without the message: anybody could write one into such an address. */
const refusedBy = ({ code, details: { retryAfter } }: CarillonError): URLSearchParams =>
  new URLSearchParams({ refused: code, ...(retryAfter !== undefined && { wait: String(retryAfter) }) });

const TokenBody = Type.Object({ token: Type.String({ maxLength: 256 }) }, { additionalProperties: false });

function tokenRoute(app: FastifyInstance, credentials: Credentials): void {
  app.post<{ Body: Static<typeof TokenBody> }>(
    '/login/token',
    {
      config,
      bodyLimit,
      schema: {
        summary: 'Log a browser in with a token',
        description: 'Sets a cookie with a session, which has the rights of the token and ends with it.',
        tags,
        operationId: 'logInByToken',
        body: TokenBody,
        response: answersOfLogIn({ 200: { description: 'There is a session', schema: Empty } }, [
          ...(['INVALID_BODY', 'MISSING_FIELD', 'UNAUTHENTICATED', 'TOO_MANY_ATTEMPTS'] as const),
          'STORE_UNAVAILABLE',
        ]),
      },
    },
    async (request, reply) => {
      const cookies = await credentials.byToken(questionOf(request), request.body.token);
      reply.header('set-cookie', [...cookies]);
      return {};
    },
  );
}

const DeviceBody = Type.Object(
  { device: Type.String({ maxLength: 4_096, description: 'As the log-in began.' }) },
  { additionalProperties: false },
);

function deviceRoutes(app: FastifyInstance, credentials: Credentials): void {
  app.post(
    '/login/device',
    {
      config,
      schema: {
        summary: 'Begin a log-in that is finished in a browser anywhere',
        tags,
        operationId: 'beginDeviceLogIn',
        response: answersOfLogIn(
          { 200: { description: 'What the person needs', schema: ref(WireDeviceLogIn) } },
          [...(['NOT_FOUND', 'UNAUTHENTICATED', 'PROVIDER_UNAVAILABLE'] as const)],
        ),
      },
    },
    async () => credentials.beginDevice(),
  );
  app.post<{ Body: Static<typeof DeviceBody> }>(
    '/login/device/session',
    {
      config,
      bodyLimit,
      schema: {
        summary: 'Ask whether such a log-in has finished',
        tags,
        operationId: 'finishDeviceLogIn',
        body: DeviceBody,
        response: answersOfLogIn({ 200: { description: 'The session', schema: ref(WireDeviceSession) } }, [
          ...(['INVALID_BODY', 'MISSING_FIELD', 'NOT_FOUND', 'UNAUTHENTICATED', 'FORBIDDEN'] as const),
          ...(['TOO_MANY_ATTEMPTS', 'PROVIDER_UNAVAILABLE'] as const),
        ]),
      },
    },
    async (request) => ({
      session: await credentials.finishDevice(questionOf(request), request.body.device),
    }),
  );
}
