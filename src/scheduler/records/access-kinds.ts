/** Kinds of records by which access is decided, and the audit. A part of the table. */

import {
  AUDIT_OWNER,
  type AuditLine,
  atOfAudit,
  auditIdsFrom,
  type SessionsEnd,
  type SigningKey,
  type Token,
} from '../model/token.ts';
import {
  decodeAuditLine,
  decodeSessionsEnd,
  decodeSigningKey,
  decodeToken,
  encodeAuditLine,
  encodeSessionsEnd,
  encodeSigningKey,
  encodeToken,
} from './codec.ts';
import type { PastKind, PresentKind, RemovalKind } from './kind.ts';

/** An identity provider names people as it likes. */
const sessionsEndKey = ({ id }: Pick<SessionsEnd, 'id'>): string => encodeURIComponent(id);

export const accessKinds = {
  token: {
    is: 'present',
    since: 6,
    steps: [],
    table: 'tokens',
    folder: 'access',
    field: 'token',
    key: ({ id }) => id,
    encode: encodeToken,
    decode: ([, id, value]) => decodeToken(id, value),
  } satisfies PresentKind<Token>,
  'token-removed': {
    is: 'removal',
    since: 6,
    steps: [],
    removes: ['token'],
    key: ({ id }) => id,
    encode: () => ({}),
    decode: ([, id]) => ({ id }),
  } satisfies RemovalKind<Pick<Token, 'id'>>,
  'signing-key': {
    is: 'present',
    isSecret: true,
    since: 6,
    steps: [],
    table: 'signing-keys',
    folder: 'access',
    field: 'signing-key',
    key: ({ id }) => id,
    encode: encodeSigningKey,
    decode: ([, id, value]) => decodeSigningKey(id, value),
  } satisfies PresentKind<SigningKey>,
  'signing-key-removed': {
    is: 'removal',
    since: 6,
    steps: [],
    removes: ['signing-key'],
    key: ({ id }) => id,
    encode: () => ({}),
    decode: ([, id]) => ({ id }),
  } satisfies RemovalKind<Pick<SigningKey, 'id'>>,
  'sessions-end': {
    is: 'present',
    since: 6,
    steps: [],
    table: 'sessions-ends',
    folder: 'access',
    field: 'sessions-end',
    key: sessionsEndKey,
    encode: encodeSessionsEnd,
    decode: ([, key, value]) => decodeSessionsEnd(decodeURIComponent(key), value),
  } satisfies PresentKind<SessionsEnd>,
  'sessions-end-removed': {
    is: 'removal',
    since: 6,
    steps: [],
    removes: ['sessions-end'],
    key: sessionsEndKey,
    encode: () => ({}),
    decode: ([, key]) => ({ id: decodeURIComponent(key) }),
  } satisfies RemovalKind<Pick<SessionsEnd, 'id'>>,
  /** Who did what. All lines have one owner. */
  audit: {
    is: 'past',
    since: 6,
    steps: [],
    table: 'audit',
    keep: 5_000,
    age: { keepMs: 90 * 86_400_000, at: ([id]) => atOfAudit(String(id)), from: auditIdsFrom },
    named: 'id',
    key: ({ id }) => id,
    owner: () => AUDIT_OWNER,
    place: ([, id]) => [id],
    encode: encodeAuditLine,
    decode: ([, , value]) => decodeAuditLine(value),
  } satisfies PastKind<AuditLine>,
} as const;
