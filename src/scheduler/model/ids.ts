/**
 * Deterministic names: two leaders who make the same decision give it the same name. A run's id is its
 * identity. A launch name is the lock under which an engine knows one attempt.
 */

import { hash53 } from '../job/hash.ts';

const SLUG_LENGTH = 32;

/** In the history: whose past records are that are not about a job. */
export const SYSTEM_OWNER = '~system';

/**
 * `sales-daily.20261121T020000Z`, followed by `-variant` for triggers, reruns and their downstream runs. Ids and variants
 * are keys: the fields of a run say what they were made from.
 */
export function runId(job: string, due: number, variant: string): string {
  const id = `${job}.${compactInstant(due)}`;
  return variant === '' ? id : `${id}-${variant}`;
}

/**
 * The job below which a run of this id is kept: the way back from `runId`, for a store that finds runs by their job.
 * Whoever has the run reads its `job`.
 */
export function jobInKey(id: string): string {
  // The name may hold any sign that follows it.
  const at = id.search(/\.\d{8}T\d{6,9}Z(-|$)/);
  return id.slice(0, Math.max(0, at < 0 ? id.lastIndexOf('.') : at));
}

/** Without a variant the run is the one of its due time, which has a line in the ledger. */
export const hasLine = ({ variant }: { readonly variant: string }): boolean => variant === '';

/** The variant of the runs created by a manual start with this trigger id. */
export function manualVariant(triggerId: string): string {
  return `m${triggerId}`;
}

/** The variant of the runs created by a rerun with this trigger id. */
export function rerunVariant(triggerId: string): string {
  return `r${triggerId}`;
}

/** `20261121T020000Z`, with milliseconds if they are not zero. */
export function compactInstant(ms: number): string {
  const iso = new Date(ms).toISOString();
  const millis = iso.slice(20, 23);
  return `${iso.slice(0, 19).replaceAll(/[-:]/g, '')}${millis === '000' ? '' : millis}Z`;
}

/**
 * `[a-z0-9-]{1,63}`: a readable part of the job's name; a 53-bit hash of the installation, the run and when
 * the job was created or restored; and the attempt. A job that is created again under an old name therefore
 * never meets launches of the old one. The hash is the identity; the readable part is for people who list
 * containers.
 */
export function launchName(of: {
  readonly installation: string;
  readonly job: { readonly name: string; readonly createdAt: number; readonly restoredAt?: number };
  readonly run: string;
  readonly attempt: number;
}): string {
  const slug = of.job.name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, SLUG_LENGTH);
  const identity = `${of.installation}/${of.run}/${of.job.restoredAt ?? of.job.createdAt}`;
  const hash = hash53(identity).toString(36).padStart(11, '0');
  return `${slug === '' ? 'job' : slug}-${hash}-${of.attempt}`;
}
