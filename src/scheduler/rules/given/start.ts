/** The parameters of a start of several jobs: each job gets those that it declares. */

import { CarillonError, firstOf } from '../../../errors.ts';
import { type GivenParams, type Params, readParams } from '../../job/params.ts';
import { nearest } from '../../job/schema/nearest.ts';
import type { Entry } from '../../state/state.ts';

export interface StartParams {
  /** By job. */
  readonly own: ReadonlyMap<string, Params>;
  /** For the jobs that follow. Undefined: nothing. */
  readonly shared: Params | undefined;
}

interface Started {
  readonly entry: Entry;
  /** It starts after others. */
  readonly follows: boolean;
}

/**
 * INVALID_FIELD, UNKNOWN_FIELD for a parameter that no job of the start declares, or MISSING_FIELD. The first carries the others.
 */
export function paramsOfStart(jobs: readonly Started[], given: GivenParams): StartParams {
  const problems: CarillonError[] = [];
  const own = new Map<string, Params>();
  const taken = new Set<string>();
  const secret = new Set<string>();
  for (const { entry, follows } of jobs) {
    const { name, definition } = entry.job;
    const { params: declared } = definition;
    const mine = Object.entries(given).filter(
      ([each]) => declared !== undefined && Object.hasOwn(declared, each),
    );
    for (const [each] of mine) {
      taken.add(each);
      if (declared?.[each]?.type !== 'secret') continue;
      secret.add(each);
      if (follows) problems.push(secretOfFollower(name, each));
    }
    try {
      own.set(name, readParams(declared, Object.fromEntries(mine)));
    } catch (error) {
      if (!(error instanceof CarillonError)) throw error;
      problems.push(new CarillonError(error.code, `${name}: ${error.message}`, error.details));
    }
  }
  const declared = new Set(jobs.flatMap(({ entry }) => Object.keys(entry.job.definition.params ?? {})));
  for (const name of Object.keys(given)) if (!taken.has(name)) problems.push(unknown(name, [...declared]));
  const problem = firstOf(problems);
  if (problem !== null) throw problem;
  const shared = Object.entries(given).filter(([name]) => !secret.has(name));
  return {
    own,
    shared:
      shared.length === 0
        ? undefined
        : Object.fromEntries(shared.map(([name, value]) => [name, String(value)])),
  };
}

function unknown(name: string, known: readonly string[]): CarillonError {
  const near = nearest(name, known);
  const hint = near === null ? '' : ` Did you mean ${near}?`;
  return new CarillonError(
    'UNKNOWN_FIELD',
    `None of the jobs declares the parameter '${name.slice(0, 80)}' in params.${hint}`,
    { field: `params.${name}`, allowed: known },
  );
}

function secretOfFollower(job: string, name: string): CarillonError {
  return new CarillonError(
    'INVALID_FIELD',
    `The job ${job} follows others of this start, so it cannot be given the secret params.${name}.`,
    { field: `params.${name}`, allowed: 'secrets of jobs that start at once', names: [job] },
  );
}
