/** What a principal may do, compiled from its bindings, so that a question about one of many jobs is quick. */

import { hasLabels, type Labels } from '../job/node-choice.ts';
import { type Binding, type Permission, permissions, type Role, roles } from './principal.ts';

/** What each role may do. */
const permissionsOf: Readonly<Record<Role, readonly Permission[]>> = {
  viewer: ['read'],
  operator: ['read', 'logs', 'operate'],
  editor: ['read', 'logs', 'env', 'secrets', 'operate', 'edit'],
  admin: ['read', 'logs', 'env', 'secrets', 'operate', 'edit', 'admin'],
};

/** The first role that has the permission, for errors and documentation. */
export const leastRole = Object.fromEntries(
  permissions.map((permission) => [
    permission,
    roles.find((role) => permissionsOf[role].includes(permission)),
  ]),
) as Readonly<Record<Permission, Role>>;

/** What is asked about a job. */
export interface Named {
  readonly name: string;
  readonly labels?: Labels | undefined;
}

interface Scope {
  readonly role: Role;
  readonly permissions: ReadonlySet<Permission>;
  /** Null: everything, also what is not about a job. */
  readonly fits: ((job: Named) => boolean) | null;
}

export class Access {
  readonly #scopes: readonly Scope[];

  constructor(bindings: readonly Binding[]) {
    this.#scopes = bindings.map((binding) => ({
      role: binding.role,
      permissions: new Set<Permission>([...permissionsOf[binding.role], ...(binding.grants ?? [])]),
      fits: fitOf(binding),
    }));
  }

  /** For everything: all jobs, and what is not about a job. */
  mayAll(permission: Permission): boolean {
    return this.#scopes.some(({ permissions, fits }) => fits === null && permissions.has(permission));
  }

  /** For at least some jobs. */
  maySome(permission: Permission): boolean {
    return this.#scopes.some(({ permissions }) => permissions.has(permission));
  }

  mayOn(permission: Permission, job: Named): boolean {
    return this.#scopes.some(
      ({ permissions, fits }) => permissions.has(permission) && (fits === null || fits(job)),
    );
  }

  /** The one that may most on this job. Null: none. */
  roleOn(job: Named): Role | null {
    const found = this.#scopes.flatMap(({ role, fits }) => (fits === null || fits(job) ? role : []));
    return roles.findLast((role) => found.includes(role)) ?? null;
  }
}

const known = new WeakMap<readonly Binding[], Access>();

/** Compiled once for each list of bindings, which must not change. */
export function accessOf(bindings: readonly Binding[]): Access {
  let access = known.get(bindings);
  if (access === undefined) {
    access = new Access(bindings);
    known.set(bindings, access);
  }
  return access;
}

/** Which jobs a name pattern and labels mean. Null: everything. */
export function fitOf({ jobs, labels }: Pick<Binding, 'jobs' | 'labels'>): ((job: Named) => boolean) | null {
  if (jobs === undefined && labels === undefined) return null;
  const matches = jobs === undefined ? () => true : patternOf(jobs);
  return (job) => matches(job.name) && (labels === undefined || hasLabels(job.labels ?? {}, labels));
}

/** `*` stands for any text, `?` for one character. Compares without backtracking: the last `*` takes one more character where the rest does not fit. */
export function patternOf(pattern: string): (name: string) => boolean {
  const wanted = pattern.replace(/\*+/g, '*');
  return (name) => {
    let [at, place, star, resume] = [0, 0, -1, 0];
    while (at < name.length) {
      if (wanted[place] === '*') {
        star = place++;
        resume = at;
      } else if (wanted[place] === '?' || wanted[place] === name[at]) {
        place++;
        at++;
      } else if (star >= 0) {
        place = star + 1;
        at = ++resume;
      } else return false;
    }
    while (wanted[place] === '*') place++;
    return place === wanted.length;
  };
}
