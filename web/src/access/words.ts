/** Roles, rights and scopes in words. */

import type { WireBinding, WireMe } from '../../../src/api/wire/access.ts';
import type { Permission } from './may.ts';

export type Role = WireBinding['role'];
export type Grant = NonNullable<WireBinding['grants']>[number];

export const roleHints: Readonly<Record<Role, string>> = {
  viewer: 'sees jobs and runs',
  operator: 'also reads output, runs, kills, pauses and acknowledges',
  editor: 'also creates, changes and deletes jobs',
  admin: 'also manages tokens, and reads the audit',
};

/** The first role that has the permission, as in `src/scheduler/access/access.ts`. */
export const leastRole: Readonly<Record<Permission, Role>> = {
  read: 'viewer',
  logs: 'operator',
  env: 'editor',
  secrets: 'editor',
  operate: 'operator',
  edit: 'editor',
  admin: 'admin',
};

export const grantWords: Readonly<Record<Grant, string>> = {
  logs: 'output of runs',
  env: 'values of environment variables',
  secrets: 'names of secrets',
};

export const kindWords: Readonly<Record<WireMe['kind'], string>> = {
  local: 'system user of the server',
  token: 'token',
  person: 'person',
  node: 'node',
  system: 'Carillon itself',
};

/** `for jobs named sales-* with the label team=sales`. */
export function scopeWords({ jobs, labels = {} }: Pick<WireBinding, 'jobs' | 'labels'>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  if (jobs === undefined && pairs.length === 0) return 'for everything';
  const named = jobs === undefined ? '' : ` named ${jobs}`;
  const labelled =
    pairs.length === 0 ? '' : ` with the ${pairs.length === 1 ? 'label' : 'labels'} ${pairs.join(', ')}`;
  return `for jobs${named}${labelled}`;
}

/** `viewer for everything, with the output of runs`. */
export function bindingWords({ role, grants = [], ...scope }: WireBinding): string {
  const more = grants.map((grant) => grantWords[grant]);
  return `${role} ${scopeWords(scope)}${more.length === 0 ? '' : `, and sees ${more.join(', ')}`}`;
}

/** `Changing it needs the role editor for sales-join. An administrator can grant it.` */
export const needsRole = (what: string, permission: Permission, job: string | null): string =>
  `${what} needs the role ${leastRole[permission]} for ${job ?? 'everything'}. An administrator can grant it.`;
