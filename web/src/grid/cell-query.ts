/** What is known of one cell, read when somebody asks. */

import { queryOptions } from '@tanstack/react-query';
import type { WireLedger, WireRunList } from '../../../src/api/wire/schema.ts';
import { get } from '../data/client.ts';

export const mostRuns = 20;

export interface CellAsked {
  readonly job: string;
  /** [from, to) of due times, epoch milliseconds. */
  readonly from: number;
  readonly to: number;
}

/** Its runs, newest due time first, and the entries of the ledger. */
export const cellQuery = ({ job, from, to }: CellAsked) =>
  queryOptions({
    queryKey: ['job', job, 'cell', from, to],
    queryFn: async ({ signal }) => {
      const span = { from: new Date(from).toISOString(), to: new Date(to).toISOString(), limit: mostRuns };
      const [runs, ledger] = await Promise.all([
        get<WireRunList>('/runs', { job, ...span }, signal),
        get<WireLedger>(`/jobs/${encodeURIComponent(job)}/ledger`, span, signal),
      ]);
      return { runs: runs.items, more: runs.next !== null, lines: ledger.items };
    },
  });
