/**
 * What a user gives to a start is also for the jobs that follow: each takes the parameters that it declares. Defaults are not
 * passed on, and neither are secrets, which need a permission on each job.
 */

import { CarillonError } from '../../../errors.ts';
import { type Params, readParams } from '../../job/params.ts';
import type { Run } from '../../model/model.ts';
import type { Reason } from '../../model/reason.ts';
import type { Entry, State } from '../../state/state.ts';

/** What the jobs get that follow a run with these parameters. Undefined: nothing, or none follows. */
export function sharedBy(state: State, { job }: Entry, given: Params): Params | undefined {
  const { params: declared = {} } = job.definition;
  const names = Object.keys(given).filter(
    (name) => !(Object.hasOwn(declared, name) && declared[name]?.type === 'secret'),
  );
  const follows = [...state.graph.childrenOf(job.name)].length > 0;
  return follows && names.length > 0
    ? Object.fromEntries(names.map((name) => [name, given[name] as string]))
    : undefined;
}

/** What a child has of what was given to the start. `skip`: one of the values is not allowed for the child. */
export function paramsFrom(
  child: Entry,
  shared: Run['shared'],
): { readonly params?: Params; readonly shared?: Params; readonly skip?: Reason } {
  if (shared === undefined) return {};
  const { params: declared } = child.job.definition;
  const taken = Object.entries(shared).filter(
    ([name]) => declared !== undefined && Object.hasOwn(declared, name) && declared[name]?.type !== 'secret',
  );
  if (taken.length === 0 || child.fault !== null) return { shared };
  try {
    return { shared, params: readParams(declared, Object.fromEntries(taken)) };
  } catch (error) {
    if (!(error instanceof CarillonError)) throw error;
    // A reason stands in parentheses.
    return { shared, skip: { code: 'params-refused', text: error.message.replace(/\.$/, '') } };
  }
}
