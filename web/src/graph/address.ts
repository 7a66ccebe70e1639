/** The address of the graph page: what is shown, and how. It can be shared. Pure. */

import { choiceIn, instantIn, wholeIn } from '../parts/address-values.ts';
import { type Standing, standings } from './state.ts';

/** Larger than any distance between jobs. */
const mostEdges = 10_000;

export interface Address {
  /** Only this job with its ancestors and descendants. */
  readonly job: string | null;
  /** Maximum distance in edges. Null: no limit. */
  readonly depth: number | null;
  /** With `job`: as it stood in the round of this due time. Null: as it stands now. */
  readonly round: string | null;
  /** `name=value` */
  readonly label: string | null;
  readonly owner: string | null;
  readonly state: Standing | null;
  /** The label by which jobs are grouped. */
  readonly group: string | null;
  /** Expanded groups. */
  readonly open: readonly string[];
  readonly selected: string | null;
  readonly search: string;
  readonly table: boolean;
}

export type Changes = { readonly [K in keyof Address]?: Address[K] };

export function readAddress(parameters: URLSearchParams): Address {
  const text = (name: string) => parameters.get(name) || null;
  return {
    job: text('job'),
    depth: wholeIn(text('depth'), 1, mostEdges),
    round: text('job') === null || instantIn(text('round')) === null ? null : text('round'),
    label: text('label'),
    owner: text('owner'),
    state: choiceIn(text('state'), standings),
    group: text('group'),
    open: parameters.getAll('open'),
    selected: text('sel'),
    search: text('q') ?? '',
    table: text('view') === 'table',
  };
}

export function writeAddress(address: Address): URLSearchParams {
  const parameters = new URLSearchParams();
  const put = (name: string, value: string | number | null) => {
    if (value !== null && value !== '') parameters.set(name, String(value));
  };
  put('job', address.job);
  put('depth', address.depth);
  put('round', address.round);
  put('label', address.label);
  put('owner', address.owner);
  put('state', address.state);
  put('group', address.group);
  for (const group of address.open) parameters.append('open', group);
  put('sel', address.selected);
  put('q', address.search);
  put('view', address.table ? 'table' : null);
  return parameters;
}
