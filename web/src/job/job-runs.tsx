/** The runs of one job, filtered by state, page by page. */

import { useQuery } from '@tanstack/react-query';
import { jobRunsQuery } from '../data/queries.ts';
import { useQueryState } from '../parts/query-state.ts';
import { runFilterIn, runPageSize } from '../runs/run-filter.tsx';
import { RunPages } from '../runs/run-pages.tsx';

export function JobRuns({ name }: { readonly name: string }) {
  const [parameters] = useQueryState();
  const { states, cursor } = runFilterIn(parameters);
  const answer = useQuery(jobRunsQuery(name, { state: states, limit: runPageSize, cursor }));
  return <RunPages answer={answer} ofOneJob />;
}
