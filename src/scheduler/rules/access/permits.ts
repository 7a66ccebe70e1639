/**
 * What the asker of a command may see and do, against the current state. Of a job that he cannot read he learns
 * nothing: everything is as if it did not exist. Without an asker it is the program itself, which may everything.
 */

import { CarillonError } from '../../../errors.ts';
import { type Access, accessOf, type Named } from '../../access/access.ts';
import { forbidden } from '../../access/forbidden.ts';
import type { Asker, Permission } from '../../access/principal.ts';
import type { Labels } from '../../job/node-choice.ts';
import { jobNotFound, type State } from '../../state/state.ts';

export class Permits {
  readonly #state: State;
  readonly #access: Access | null;

  constructor(state: State, asker: Asker | undefined) {
    this.#state = state;
    this.#access = asker === undefined ? null : accessOf(asker.principal.bindings);
  }

  /** It exists, and the asker can read it. */
  sees = (name: string): boolean => {
    const job = this.#named(name);
    return job !== null && this.#mayOn('read', job);
  };

  /** For a job that does not exist: false. */
  may(permission: Permission, name: string): boolean {
    const job = this.#named(name);
    return job !== null && this.#mayOn(permission, job);
  }

  mayAll(permission: Permission): boolean {
    return this.#access?.mayAll(permission) ?? true;
  }

  needAll(permission: Permission): void {
    if (!this.mayAll(permission)) throw forbidden(permission);
  }

  /**
   * `unknown`: the error for a job that does not exist. Default: JOB_NOT_FOUND. `since`: when that began what is asked about; if
   * it was of a removed job, its labels are not known any more, and those of the present one do not count.
   */
  need(
    permission: Permission,
    name: string,
    unknown: (name: string) => CarillonError = jobNotFound,
    since?: number,
  ): void {
    const job = this.#named(name, since);
    if (job === null || !this.#mayOn('read', job)) throw unknown(name);
    if (!this.#mayOn(permission, job)) throw forbidden(permission, [name]);
  }

  /**
   * Why the definition may not be put. Null: it may, or it is not even known which job it is for. It has not been checked
   * yet. The job must be editable as it is and as it will be: else a label would be a way to somebody else's jobs.
   */
  faultIn(definition: unknown): CarillonError | null {
    const { name, labels } = (definition ?? {}) as { readonly name?: unknown; readonly labels?: unknown };
    if (typeof name !== 'string')
      return this.#access?.maySome('edit') === false ? forbidden('edit', 'some') : null;
    const next: Named = { name, ...(isObject(labels) && { labels: labels as Labels }) };
    const before = this.#named(name);
    const isAllowed = this.#mayOn('edit', next) && (before === null || this.#mayOn('edit', before));
    return isAllowed ? null : forbidden('edit', [name]);
  }

  /** Whether the job may depend on the parent: as it does already, or on one that the asker can read. */
  mayFollow(name: string, parent: string): boolean {
    return this.sees(parent) || (this.#state.jobs.has(parent) && this.#follows(name, parent));
  }

  /** Those that the asker can read, in their order. */
  *seen(names: Iterable<string>): Iterable<string> {
    for (const name of names) if (this.sees(name)) yield name;
  }

  /** FORBIDDEN unless the asker has the permission on all these jobs, some of which he may not have named. */
  needOnFollowing(permission: Permission, names: readonly string[]): void {
    const missing = names.filter((each) => !this.may(permission, each));
    if (missing.length === 0) return;
    const visible = [...this.seen(missing)];
    if (visible.length > 0) throw forbidden(permission, visible);
    throw new CarillonError(
      'FORBIDDEN',
      `This needs the permission ${permission} on jobs downstream that you cannot read. An admin can grant it.`,
      { field: 'permission', value: permission },
    );
  }

  /** FORBIDDEN unless all of these dependents of the job may be changed. */
  needOnDependents(name: string, dependents: readonly string[]): void {
    const missing = dependents.filter((each) => !this.may('edit', each));
    if (missing.length === 0) return;
    const visible = [...this.seen(missing)];
    if (visible.length === missing.length) throw forbidden('edit', visible);
    throw new CarillonError(
      'FORBIDDEN',
      `This needs the permission edit on all jobs that depend on '${name}', and you cannot read some of them. An admin can grant it.`,
      {
        field: 'permission',
        value: 'edit',
        allowed: `the role editor or higher on all jobs that depend on '${name}'`,
        names: visible,
      },
    );
  }

  /** Runs a check; what it throws does not name jobs that the asker cannot read. */
  concealing(check: () => void): void {
    try {
      check();
    } catch (error) {
      throw error instanceof CarillonError ? this.concealed(error) : error;
    }
  }

  /** The same error without the names of jobs that the asker cannot read. */
  concealed(error: CarillonError): CarillonError {
    const { names } = error.details;
    if (error.code !== 'DEPENDENCY_CYCLE' || names === undefined) return error;
    const visible = names.filter((name) => this.sees(name) || !this.#state.jobs.has(name));
    if (visible.length === names.length) return error;
    const message = 'The jobs depend on each other, through jobs that you cannot read.';
    return new CarillonError(error.code, message, { ...error.details, names: visible });
  }

  #follows(name: string, parent: string): boolean {
    return this.#state.graph.parentsOf(name).includes(parent);
  }

  #mayOn(permission: Permission, job: Named): boolean {
    return this.#access?.mayOn(permission, job) ?? true;
  }

  #named(name: string, since = Number.POSITIVE_INFINITY): Named | null {
    const job = this.#state.jobs.get(name)?.job;
    if (job === undefined) return null;
    return since < job.createdAt ? { name } : { name, labels: job.definition.labels };
  }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
