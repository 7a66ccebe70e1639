/** Which jobs somebody sees, and what of them. Asked of the jobs as they are now. */

import { type Access, accessOf } from '../access/access.ts';
import type { Permission, Principal } from '../access/principal.ts';
import type { JobReader } from '../handle.ts';
import type { Job } from '../model/model.ts';

/** Verdicts of the newest accesses. A job that is changed is another value, so none of them becomes wrong. */
const verdicts = new Map<Access, WeakMap<Job, boolean>>();
/** Each takes some megabytes with 100,000 jobs. */
const MOST = 8;

function verdictsOf(access: Access): WeakMap<Job, boolean> {
  const kept = verdicts.get(access) ?? new WeakMap<Job, boolean>();
  verdicts.delete(access);
  verdicts.set(access, kept);
  if (verdicts.size > MOST) verdicts.delete(verdicts.keys().next().value as Access);
  return kept;
}

export class Sight {
  /** Every job, also those that no longer exist, and what is not about a job. */
  readonly isOfAll: boolean;
  /** And everything of them. */
  readonly isWhole: boolean;
  readonly #access: Access;
  readonly #reader: () => Pick<JobReader, 'glance'>;
  readonly #seen: WeakMap<Job, boolean> | null;

  constructor({ bindings }: Principal, reader: () => Pick<JobReader, 'glance'>) {
    const access = accessOf(bindings);
    this.#access = access;
    this.#reader = reader;
    this.isOfAll = access.mayAll('read');
    this.#seen = this.isOfAll ? null : verdictsOf(access);
    this.isWhole = (['read', 'logs', 'env', 'secrets'] as const).every((each) => access.mayAll(each));
  }

  /** Without a question about a job. */
  mayAll(permission: Permission): boolean {
    return this.#access.mayAll(permission);
  }

  sees(job: Job): boolean {
    if (this.#seen === null) return true;
    const known = this.#seen.get(job);
    if (known !== undefined) return known;
    const sees = this.may('read', job);
    this.#seen.set(job, sees);
    return sees;
  }

  may(permission: Permission, { name, definition }: Job): boolean {
    return this.#access.mayOn(permission, { name, labels: definition.labels });
  }

  /**
   * `since`: when that began what is asked about. Default: it is the job as it is. The labels of a job that was deleted are not
   * known any more: only its name counts, also when there is another job of that name now.
   */
  mayOf(permission: Permission, name: string, since?: number): boolean {
    const job = this.jobOf(name, since);
    return job === undefined ? this.#access.mayOn(permission, { name }) : this.may(permission, job);
  }

  seesName(name: string, since?: number): boolean {
    if (this.isOfAll) return true;
    const job = this.jobOf(name, since);
    return job === undefined ? this.#access.mayOn('read', { name }) : this.sees(job);
  }

  /** Undefined: it does not exist, or did not then. */
  jobOf(name: string, since = Number.POSITIVE_INFINITY): Job | undefined {
    const job = this.#reader().glance(name)?.job;
    return job === undefined || since < job.createdAt ? undefined : job;
  }
}
