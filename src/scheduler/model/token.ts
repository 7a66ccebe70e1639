/** What access is decided by and what is noted of it, as stored. */

import type { Binding, PrincipalKind } from '../access/principal.ts';

/** An API token. Its secret is not stored, only the hash of the secret. */
export interface Token {
  /** `[a-z0-9]{12}`. It is part of the token's text, so that a token is found without a search. */
  readonly id: string;
  /** For people. Unique. */
  readonly name: string;
  /** SHA-256 of the whole text of the token, in hexadecimal. */
  readonly sha256: string;
  readonly bindings: readonly Binding[];
  readonly createdAt: number;
  readonly createdBy: string;
  /** Null: never. */
  readonly expiresAt: number | null;
  /** Last use that was noted, at most an hour old. Null: never used. */
  readonly usedAt: number | null;
  readonly usedFrom: string | null;
}

/** A key with which nodes sign sessions and what they forward. The newest signs, and all of them are accepted. */
export interface SigningKey {
  readonly id: string;
  /** 32 random bytes in base64url. */
  readonly secret: string;
  readonly createdAt: number;
}

/** Sessions of a person that began before this are ended. With the id `*`: of everybody. */
export interface SessionsEnd {
  readonly id: string;
  readonly at: number;
}

/** One line of the audit. */
export interface AuditLine {
  /** Sorts by time; see `auditId`. */
  readonly id: string;
  readonly at: number;
  readonly term: number;
  readonly by: { readonly kind: PrincipalKind; readonly name: string };
  /** Address of the client. */
  readonly from: string | null;
  /** The node that received the request and forwarded it to the leader. */
  readonly via: string | null;
  /** What was done or tried: the kind of a command, or `log-in`, `log-out`, `request` or `lead`. */
  readonly action: string;
  /** Job, run, token or address. */
  readonly on: string | null;
  readonly outcome: 'done' | 'refused';
  /** With `refused`: code and text of the error. */
  readonly code: string | null;
  readonly reason: string | null;
  /** What it was before and after, as far as it changed: short values by path, without those of `env`. */
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

/** `<epoch ms in base 36, 9 digits>-<term>-<number in base 36, 5 digits>`: it sorts by time, and is unique in its term. */
export const auditId = (at: number, term: number, number: number): string =>
  `${inBase36(at, 9)}-${term}-${inBase36(number, 5)}`;

/** No line from then on has an id that sorts before this. */
export const auditIdsFrom = (at: number): string => inBase36(Math.max(0, at), 9);

export const atOfAudit = (id: string): number => Number.parseInt(id.slice(0, 9), 36);

const inBase36 = (value: number, digits: number): string => value.toString(36).padStart(digits, '0');

/** In the history: whose past the audit is. */
export const AUDIT_OWNER = '~audit';
