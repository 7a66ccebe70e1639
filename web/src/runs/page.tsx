/** Runs of all jobs, newest due time first, filtered by state and job. */

import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { runsQuery } from '../data/queries.ts';
import { usePageTitle } from '../parts/page-title.ts';
import { useQueryState } from '../parts/query-state.ts';
import { runFilterIn, runPageSize } from './run-filter.tsx';
import { RunPages } from './run-pages.tsx';

export default function RunsPage() {
  usePageTitle('Runs');
  const [parameters] = useQueryState();
  const { states, job, cursor } = runFilterIn(parameters);
  return (
    <main className="page" id="main" tabIndex={-1}>
      <div className="page-head">
        <h1>Runs</h1>
        <div className="actions">
          <Link className="button" href="/backfills">
            Backfills
          </Link>
        </div>
      </div>
      <RunPages answer={useQuery(runsQuery({ state: states, job, limit: runPageSize, cursor }))} />
    </main>
  );
}
