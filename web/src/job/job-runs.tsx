/** The runs of one job, filtered by state, page by page. */

import { useQuery } from '@tanstack/react-query';
import { jobRunsQuery } from '../data/queries.ts';
import { ReadProblem } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { RunTable } from '../parts/run-table.tsx';
import { RunFilter, runFilterIn } from '../runs/run-filter.tsx';

const pageSize = 50;

export function JobRuns({ name }: { readonly name: string }) {
  const [parameters, change] = useQueryState();
  const { states } = runFilterIn(parameters);
  const cursor = parameters.get('cursor');
  const { data, error } = useQuery(jobRunsQuery(name, { state: states, limit: pageSize, cursor }));
  return (
    <>
      <RunFilter states={states} job={null} onChange={(changes) => change({ ...changes, cursor: null })} />
      <ReadProblem error={error} shown={data !== undefined} />
      <section className="panel" aria-label="Runs">
        <RunTable
          runs={data?.items ?? null}
          none={states.length === 0 ? 'It has not run yet.' : 'No runs match.'}
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
    </>
  );
}
