/** Tokens, who asks, ends of sessions, and the audit. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { invariant } from '../../../errors.ts';
import { accessOf } from '../../../scheduler/access/access.ts';
import { permissions } from '../../../scheduler/access/principal.ts';
import { oneOf } from '../../../scheduler/job/definition.ts';
import { AUDIT_OWNER, type AuditLine, auditIdsFrom, type Token } from '../../../scheduler/model/token.ts';
import type { ApiContext } from '../../context.ts';
import { answers, answersHere, instantText, paging, query } from '../../endpoint.ts';
import type { Credentials } from '../../guard/credentials.ts';
import { askerIn, questionOf } from '../../guard/needs.ts';
import { decodeCursor, encodeCursor } from '../../lists/cursor.ts';
import {
  auditToWire,
  bindingToWire,
  tokenToWire,
  WireAuditList,
  WireBinding,
  WireMe,
  WireNewToken,
  WireToken,
  WireTokenList,
} from '../../wire/access.ts';
import { readInstant, readSpan } from '../../wire/instants.ts';
import { apiLimits } from '../../wire/limits.ts';
import { ref } from '../../wire/shape.ts';

const tags = ['access'];

export function accessRoutes(app: FastifyInstance, context: ApiContext): void {
  const { credentials } = context;
  tokenRoutes(app, context, credentials);
  meRoute(app, credentials);
  endRoute(app, context);
  keyRoute(app, context);
  auditRoute(app, context);
}

const TokenBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 128, description: 'For people. Unique.' }),
    bindings: Type.Array(WireBinding, { minItems: 1, maxItems: 20 }),
    expiresAt: Type.Optional(instantText('When it ends. Default: never.')),
  },
  { additionalProperties: false },
);

const identified = Type.Object({ id: Type.String({ maxLength: 64, description: 'Id of the token.' }) });

function tokenRoutes(app: FastifyInstance, { as }: ApiContext, credentials: Credentials): void {
  app.post<{ Body: Static<typeof TokenBody> }>(
    '/tokens',
    {
      config: { needs: 'admin' },
      schema: {
        summary: 'Create a token',
        description: 'The answer has its text, which is stored nowhere and shown this once.',
        tags,
        operationId: 'createToken',
        body: TokenBody,
        response: answers({ 201: { description: 'The token', schema: ref(WireNewToken) } }, [
          ...(['INVALID_BODY', 'MISSING_FIELD', 'LIMIT_EXCEEDED', 'TOKEN_EXISTS'] as const),
        ]),
      },
    },
    async (request, reply) => {
      const { name, bindings, expiresAt } = request.body;
      const { text, id, sha256 } = credentials.newToken();
      const token = await as(request).submit({
        ...{ kind: 'create-token', id, name, sha256, bindings },
        expiresAt: expiresAt === undefined ? null : readInstant(expiresAt, 'expiresAt', 'body'),
        by: askerIn(request).principal.name,
      });
      return reply.code(201).send({ ...tokenToWire(token), token: text });
    },
  );

  app.get<{ Querystring: Static<typeof PagingQuery> }>(
    '/tokens',
    {
      config: { needs: 'admin' },
      schema: {
        summary: 'List tokens',
        description: 'Newest first, without their texts.',
        tags,
        operationId: 'listTokens',
        querystring: PagingQuery,
        response: answers({ 200: { description: 'One page', schema: ref(WireTokenList) } }),
      },
    },
    async (request) => {
      const { cursor, limit = apiLimits.defaultPage } = request.query;
      const after = cursor === undefined ? null : decodeCursor(cursor, isPlace);
      const rest = [...as(request).tokens()]
        .sort(newestFirst)
        .filter((each) => after === null || newestFirst(each, { createdAt: after[0], id: after[1] }) > 0);
      const items = rest.slice(0, limit);
      const last = items.at(-1);
      const next = rest.length > limit && last !== undefined ? encodeCursor([last.createdAt, last.id]) : null;
      return { items: items.map(tokenToWire), next };
    },
  );

  app.delete<{ Params: { id: string } }>(
    '/tokens/:id',
    {
      config: { needs: 'login' },
      schema: {
        summary: 'Revoke a token',
        description: 'It is refused from then on, on every node. A token may revoke itself.',
        tags,
        operationId: 'revokeToken',
        params: identified,
        response: answers({ 200: { description: 'The token as it was', schema: ref(WireToken) } }, [
          'TOKEN_NOT_FOUND',
        ]),
      },
    },
    async (request) => {
      const { id } = request.params;
      const by = askerIn(request).principal.name;
      return tokenToWire(await as(request).submit({ kind: 'revoke-token', id, by }));
    },
  );
}

const PagingQuery = query(paging);
type Placed = Pick<Token, 'createdAt' | 'id'>;
const newestFirst = (a: Placed, b: Placed): number =>
  b.createdAt - a.createdAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
const isPlace = (place: readonly unknown[]): place is [number, string] =>
  place.length === 2 && typeof place[0] === 'number' && typeof place[1] === 'string';

function meRoute(app: FastifyInstance, credentials: Credentials): void {
  app.get(
    '/me',
    {
      config: { needs: 'login' },
      schema: {
        summary: 'Who am I, and what may I do?',
        tags,
        operationId: 'me',
        response: answersHere({ 200: { description: 'Who asks', schema: ref(WireMe) } }),
      },
    },
    async (request) => {
      const { kind, name, id, bindings } = askerIn(request).principal;
      const access = accessOf(bindings);
      const { problem } = credentials;
      return {
        ...{ kind, name, id, bindings: bindings.map(bindingToWire) },
        everywhere: permissions.filter((each) => access.mayAll(each)),
        somewhere: permissions.filter((each) => access.maySome(each)),
        session: await credentials.hasSession(questionOf(request)),
        ...(problem !== null && access.mayAll('admin') && { problem }),
      };
    },
  );
}

const EndBody = Type.Object(
  {
    id: Type.Optional(
      Type.String({
        ...{ minLength: 1, maxLength: 256 },
        description: 'Whose sessions: the id of a person, or * for everybody. Default: your own.',
      }),
    ),
  },
  { additionalProperties: false },
);

function endRoute(app: FastifyInstance, { as }: ApiContext): void {
  app.post<{ Body: Static<typeof EndBody> | undefined }>(
    '/sessions/end',
    {
      config: { needs: 'login' },
      schema: {
        summary: 'End sessions everywhere',
        description: 'Who logs in again gets a new one. Only an administrator ends sessions of others.',
        tags,
        operationId: 'endSessions',
        body: EndBody,
        response: answers({ 200: { description: 'What was ended', schema: Ended } }, ['INVALID_BODY']),
      },
    },
    async (request) => {
      const { id: own, name: by } = askerIn(request).principal;
      const { id, at } = await as(request).submit({ kind: 'end-sessions', id: request.body?.id ?? own, by });
      return { id, at: new Date(at).toISOString() };
    },
  );
}
const Ended = Type.Object({ id: Type.String(), at: Type.String({ format: 'date-time' }) });

function keyRoute(app: FastifyInstance, { as, credentials }: ApiContext): void {
  app.post(
    '/keys',
    {
      config: { needs: 'admin' },
      schema: {
        summary: 'Rotate the signing key',
        description:
          'From then on a new key signs sessions and requests between nodes. The key before it is kept: sessions that it signed go on, and end with the next rotation.',
        tags,
        operationId: 'rotateKey',
        response: answers({ 201: { description: 'The new key, without its secret', schema: Key } }),
      },
    },
    async (request, reply) => {
      const by = askerIn(request).principal.name;
      const [newest] = await as(request).submit({ kind: 'add-key', ...credentials.newKey(), by });
      invariant(newest !== undefined, 'A key was added, and there is none.');
      const { id, createdAt } = newest;
      return reply.code(201).send({ id, createdAt: new Date(createdAt).toISOString() });
    },
  );
}
const Key = Type.Object({ id: Type.String(), createdAt: Type.String({ format: 'date-time' }) });

const AuditQuery = query({
  by: Type.Optional(Type.String({ maxLength: 256, description: 'Name of who did it.' })),
  action: Type.Optional(Type.String({ maxLength: 64, description: 'Such as put-job, log-in or request.' })),
  on: Type.Optional(Type.String({ maxLength: 256, description: 'Job, run, token or address.' })),
  outcome: Type.Optional(oneOf(['done', 'refused'])),
  from: Type.Optional(instantText('Start of the range, included. ISO 8601.')),
  to: Type.Optional(instantText('End of the range, not included. ISO 8601.')),
  ...paging,
});
type AuditQuery = Static<typeof AuditQuery>;

/** Lines that are read at a time: few of them may fit. */
const readAtATime = 500;

function auditRoute(app: FastifyInstance, { as }: ApiContext): void {
  app.get<{ Querystring: AuditQuery }>(
    '/audit',
    {
      config: { needs: 'admin' },
      schema: {
        summary: 'List who did what',
        description: 'Newest first: changes, log-ins, and what was refused.',
        tags,
        operationId: 'listAudit',
        querystring: AuditQuery,
        response: answers({ 200: { description: 'One page', schema: ref(WireAuditList) } }),
      },
    },
    async (request) => {
      const { cursor, limit = apiLimits.defaultPage, ...wanted } = request.query;
      const { fromMs, toMs } = readSpan(wanted);
      const { archive } = as(request);
      const items: AuditLine[] = [];
      let below: string | undefined = toMs === undefined ? undefined : auditIdsFrom(toMs);
      if (cursor !== undefined) [below] = decodeCursor(cursor, isId);
      // One more than a page tells whether there is another.
      while (items.length <= limit) {
        const lines: readonly AuditLine[] = await archive.past('audit', {
          ...{ owner: AUDIT_OWNER, newestFirst: true, limit: readAtATime },
          ...(fromMs !== undefined && { from: auditIdsFrom(fromMs) }),
          ...(below !== undefined && { below }),
        });
        items.push(...lines.filter((line) => fits(line, wanted)));
        below = lines.at(-1)?.id;
        if (lines.length < readAtATime) break;
      }
      const page = items.slice(0, limit);
      const last = page.at(-1);
      const next = items.length > limit && last !== undefined ? encodeCursor([last.id]) : null;
      return { items: page.map(auditToWire), next };
    },
  );
}

const isId = (place: readonly unknown[]): place is [string] =>
  place.length === 1 && typeof place[0] === 'string';

const fits = (line: AuditLine, { by, action, on, outcome }: AuditQuery): boolean =>
  (by === undefined || line.by.name === by) &&
  (action === undefined || line.action === action) &&
  (on === undefined || line.on === on) &&
  (outcome === undefined || line.outcome === outcome);
