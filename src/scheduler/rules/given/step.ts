/** The parameters of a backfill: each job gets those that it declares, and a job that declares none gets all of them. */

import { CarillonError } from '../../../errors.ts';
import { type Params, readParams } from '../../job/params.ts';
import type { Reason } from '../../model/reason.ts';
import type { Entry } from '../../state/state.ts';
import { paramsFrom } from './shared.ts';
import { paramsOfStart } from './start.ts';

/** INVALID_FIELD, UNKNOWN_FIELD if no job takes a parameter, MISSING_FIELD or LIMIT_EXCEEDED. */
export function checkBackfillParams(targets: readonly Entry[], given: Params): void {
  const declaring = targets.filter(({ job }) => job.definition.params !== undefined);
  if (declaring.length < targets.length) readParams(undefined, given);
  const isForAll = declaring.length === targets.length;
  const known = new Set(declaring.flatMap(({ job }) => Object.keys(job.definition.params ?? {})));
  const taken = Object.entries(given).filter(([name]) => isForAll || known.has(name));
  paramsOfStart(
    declaring.map((entry) => ({ entry, follows: false })),
    Object.fromEntries(taken),
  );
}

/** Of one step. `skip`: the job was changed, and may not have the value any more. */
export function paramsOfStep(
  entry: Entry,
  given: Params,
  follows: boolean,
): { readonly params?: Params; readonly skip?: Reason } {
  const { params: declared } = entry.job.definition;
  if (follows) {
    const { shared: _, ...own } = paramsFrom(entry, given);
    return own;
  }
  if (declared === undefined || entry.fault !== null) return { params: given };
  const mine = Object.entries(given).filter(([name]) => Object.hasOwn(declared, name));
  try {
    return { params: readParams(declared, Object.fromEntries(mine)) };
  } catch (error) {
    if (!(error instanceof CarillonError)) throw error;
    return { skip: { code: 'params-refused', text: error.message.replace(/\.$/, '') } };
  }
}
