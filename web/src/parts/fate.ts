/** The outcome of a due time. */

import type { WireLedgerLine } from '../../../src/api/wire/schema.ts';

/** `ran`: its run ended before the ledger recorded end states. */
export type Fate = WireLedgerLine['end'] | NonNullable<WireLedgerLine['state']>;

/** Good outcomes first. */
export const fates: readonly Fate[] = [
  'succeeded',
  'failed',
  'timed-out',
  'killed',
  'lost',
  'ran',
  'caught-up',
  'backfilled',
  'skipped',
  'missed',
];

/** Outcomes of runs that ran and did not succeed. */
export const failures: readonly Fate[] = ['failed', 'timed-out', 'killed', 'lost'];

export const fateOf = ({ end, state }: WireLedgerLine): Fate =>
  end === 'ran' || end === 'backfilled' ? (state ?? end) : end;
