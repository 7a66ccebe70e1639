/** The run policy of an installation: what jobs may ask of hosts. */

import type { Named } from '../access/access.ts';
import type { Role } from '../access/principal.ts';
import type { kinds, Matches, secretKinds } from './values.ts';

/** What rules allow by patterns. */
export type AllowedKind = keyof typeof kinds | `secrets.${keyof typeof secretKinds}`;

/** An entry as written, and what it matches. */
export interface Entry {
  readonly text: string;
  readonly matches: Matches;
}

/** Maxima of a job, by the field of `run.resources`. */
export const limitNames = ['cpus', 'memory', 'gpus', 'pids', 'ioWeight', 'shm'] as const;
export type LimitName = (typeof limitNames)[number];

export interface Rule {
  /** For messages: the name in the file, or its place there. */
  readonly name: string;
  /** Null: all jobs. */
  readonly fits: ((job: Named) => boolean) | null;
  /** Only for jobs that were put by this role or one that may more. Null: whoever put them. */
  readonly role: Role | null;
  /** `all`: everything. */
  readonly allow: 'all' | Readonly<Partial<Record<AllowedKind, readonly Entry[]>>>;
  /** Absent: this rule says nothing of it. `none`: jobs that the rule is for have no limits. */
  readonly limits: 'none' | Readonly<Partial<Record<LimitName, Limit>>>;
  /** Where jobs may run. Null: this rule says nothing of it. */
  readonly nodes: readonly Entry[] | null;
}

export interface Limit {
  readonly most: number;
  readonly text: string;
}

export interface RunPolicy {
  readonly rules: readonly Rule[];
}
