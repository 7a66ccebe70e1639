/** The filter of the audit in the address. */

import { choiceIn, instantIn } from '../parts/address-values.ts';

export interface AuditFilter {
  readonly by: string | null;
  readonly on: string | null;
  readonly action: string | null;
  readonly outcome: 'done' | 'refused' | null;
  /** ISO 8601. */
  readonly from: string | null;
  readonly to: string | null;
}

export const auditFilterIn = (parameters: URLSearchParams): AuditFilter => ({
  by: parameters.get('by'),
  on: parameters.get('on'),
  action: parameters.get('action'),
  outcome: choiceIn(parameters.get('outcome'), ['done', 'refused']),
  from: instantText(parameters.get('from')),
  to: instantText(parameters.get('to')),
});

export const isFiltered = (filter: AuditFilter): boolean =>
  Object.values(filter).some((value) => value !== null);

function instantText(text: string | null): string | null {
  const at = instantIn(text);
  return at === null ? null : new Date(at).toISOString();
}
