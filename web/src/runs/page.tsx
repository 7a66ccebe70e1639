/** Runs of all jobs, newest due first, filtered by state and job. */

import { useQuery } from '@tanstack/react-query';
import { runsQuery } from '../data/queries.ts';
import { usePageTitle } from '../parts/page-title.ts';
import { ReadProblem } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { RunTable } from '../parts/run-table.tsx';
import { RunFilter, runFilterIn } from './run-filter.tsx';

export const pageSize = 50;

export default function RunsPage() {
  usePageTitle('Runs');
  const [parameters, change] = useQueryState();
  const { states, job } = runFilterIn(parameters);
  const cursor = parameters.get('cursor');
  const { data, error } = useQuery(runsQuery({ state: states, job, limit: pageSize, cursor }));
  return (
    <main className="page" id="main" tabIndex={-1}>
      <div className="page-head">
        <h1>Runs</h1>
      </div>
      <RunFilter states={states} job={job} onChange={(changes) => change({ ...changes, cursor: null })} />
      <ReadProblem error={error} shown={data !== undefined} />
      <section className="panel" aria-label="Runs">
        <RunTable
          runs={data?.items ?? null}
          showJob
          none={states.length === 0 && job === '' ? 'Nothing has run yet.' : 'No runs match.'}
        />
        {(cursor !== null || data?.next) && (
          <div className="pager">
            {cursor !== null && (
              <button type="button" className="button button-small" onClick={() => change({ cursor: null })}>
                To the newest
              </button>
            )}
            {data?.next && (
              <button
                type="button"
                className="button button-small"
                onClick={() => change({ cursor: data.next })}
              >
                Older
              </button>
            )}
          </div>
        )}
      </section>
    </main>
  );
}
