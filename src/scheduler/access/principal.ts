/** Who asks for something, and what they may do. Plain data: it is stored with tokens and travels between nodes. */

import { utf8Length } from '../job/texts.ts';

/** Each role may do what the ones before it may. */
export const roles = ['viewer', 'operator', 'editor', 'admin'] as const;
export type Role = (typeof roles)[number];

/** Rights that a role may have in addition. */
export const grants = ['logs', 'env', 'secrets'] as const;
export type Grant = (typeof grants)[number];

/**
 * What something needs. `read`: jobs and runs, without `logs` (output of runs), `env` (values of environment variables)
 * and `secrets` (their names and sources). `operate`: trigger, kill, pause, rerun, acknowledge, report. `edit`: create,
 * change and delete jobs. `admin`: tokens, the audit, settings, backups, nodes.
 */
export const permissions = ['read', 'logs', 'env', 'secrets', 'operate', 'edit', 'admin'] as const;
export type Permission = (typeof permissions)[number];

/** A role, and for which jobs. Without `jobs` and `labels`: for everything. With both: for jobs that both fit. */
export interface Binding {
  readonly role: Role;
  readonly grants?: readonly Grant[];
  /** A pattern of names: `*` stands for any text, `?` for one character. */
  readonly jobs?: string;
  /** Labels that a job must have, with these values. */
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * Bytes of all bindings of a principal, as JSON. A node tells another one who asks in a header, which is 4/3 as long, beside the
 * client's own: all of a request's headers together have 16 KiB.
 */
export const maxBindingsBytes = 4_096;
export const bytesOfBindings = (bindings: readonly Binding[]): number => utf8Length(JSON.stringify(bindings));

/** `local`: the system user of the server. `person`: through an identity provider or a client certificate. */
export const principalKinds = ['local', 'token', 'person', 'node', 'system'] as const;
export type PrincipalKind = (typeof principalKinds)[number];

/** Somebody whose identity is proven. */
export interface Principal {
  readonly kind: PrincipalKind;
  /** For people, and in the audit: the name of the token, the address of the person, the id of the node. */
  readonly name: string;
  /** Of the token or the subject of the identity provider. Unique with `kind`. */
  readonly id: string;
  readonly bindings: readonly Binding[];
}

/** A principal with one request. */
export interface Asker {
  readonly principal: Principal;
  /** Address of the client. Null: it is the program itself. */
  readonly from: string | null;
  /** The node that received the request and forwarded it. Null: this one received it. */
  readonly via: string | null;
}
