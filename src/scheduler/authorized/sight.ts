/** Which jobs somebody sees, and what of them. Asked of the jobs as they are now. */

import { type Access, accessOf } from '../access/access.ts';
import type { Permission, Principal } from '../access/principal.ts';
import type { JobReader } from '../handle.ts';
import type { Job } from '../model/model.ts';

export class Sight {
  /** Every job, also those that no longer exist, and what is not about a job. */
  readonly isOfAll: boolean;
  /** And everything of them. */
  readonly isWhole: boolean;
  readonly #access: Access;
  readonly #reader: () => Pick<JobReader, 'glance'>;

  constructor({ bindings }: Principal, reader: () => Pick<JobReader, 'glance'>) {
    const access = accessOf(bindings);
    this.#access = access;
    this.#reader = reader;
    this.isOfAll = access.mayAll('read');
    this.isWhole = (['read', 'logs', 'env', 'secrets'] as const).every((each) => access.mayAll(each));
  }

  /** Without a question about a job. */
  mayAll(permission: Permission): boolean {
    return this.#access.mayAll(permission);
  }

  sees(job: Job): boolean {
    return this.isOfAll || this.may('read', job);
  }

  may(permission: Permission, { name, definition }: Job): boolean {
    return this.#access.mayOn(permission, { name, labels: definition.labels });
  }

  /** The labels of a job that was deleted are not known any more: only its name counts. */
  mayOf(permission: Permission, name: string): boolean {
    const job = this.jobOf(name);
    return job === undefined ? this.#access.mayOn(permission, { name }) : this.may(permission, job);
  }

  seesName(name: string): boolean {
    return this.isOfAll || this.mayOf('read', name);
  }

  jobOf(name: string): Job | undefined {
    return this.#reader().glance(name)?.job;
  }
}
