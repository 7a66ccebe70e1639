/** Filter and sort order of the job list, as in the address and the server's query. */

import type { Query } from '../data/client.ts';
import { choiceIn } from '../parts/address-values.ts';

export const states = [
  ['running', 'Running'],
  ['late', 'Late'],
  ['failing', 'Failing'],
  ['waiting', 'Waiting'],
  ['active', 'Active'],
  ['paused', 'Paused'],
  ['disabled', 'Disabled'],
  ['completed', 'Completed'],
] as const;

export const sorts = ['name', 'nextDue', 'last', 'p50', 'p95', 'failures', 'state'] as const;
export type Sort = (typeof sorts)[number];
export type Order = 'asc' | 'desc';

export interface JobFilter {
  readonly q: string;
  readonly labels: readonly string[];
  readonly owner: string;
  readonly states: readonly string[];
}

export const filterIn = (parameters: URLSearchParams): JobFilter => ({
  q: parameters.get('q') ?? '',
  labels: parameters.getAll('label'),
  owner: parameters.get('owner') ?? '',
  states: parameters.getAll('state'),
});

export function sortIn(parameters: URLSearchParams): { readonly sort: Sort; readonly order: Order } {
  const sort = choiceIn(parameters.get('sort'), sorts) ?? 'name';
  return { sort, order: parameters.get('order') === 'desc' ? 'desc' : 'asc' };
}

export const isFiltered = ({ q, labels, owner, states: chosen }: JobFilter): boolean =>
  q !== '' || labels.length > 0 || owner !== '' || chosen.length > 0;

export const toQuery = ({ q, labels, owner, states: chosen }: JobFilter): Query => ({
  q,
  label: labels,
  owner,
  state: chosen,
});

/** The filter as a text: `failing jobs with "sales"`. */
export function filterInWords({ q, labels, owner, states: chosen }: JobFilter): string {
  const parts = [chosen.join(' or '), 'jobs'].filter((part) => part !== '');
  if (q !== '') parts.push(`with “${q}”`);
  if (labels.length > 0) parts.push(`labelled ${labels.join(' and ')}`);
  if (owner !== '') parts.push(`owned by ${owner}`);
  return parts.join(' ');
}
