/** Runs, newest due first, filtered by what the address says, page by page. */

import type { UseQueryResult } from '@tanstack/react-query';
import type { WireRunList } from '../../../src/api/wire/schema.ts';
import { Pager } from '../parts/pager.tsx';
import { ReadProblem } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { RunTable } from '../parts/run-table.tsx';
import { RunFilter, runFilterIn } from './run-filter.tsx';

interface Props {
  /** The page that the address asks for, see `runFilterIn`. */
  readonly answer: UseQueryResult<WireRunList>;
  /** All are of one job: none of them says which. */
  readonly ofOneJob?: boolean;
}

export function RunPages({ answer: { data, error }, ofOneJob = false }: Props) {
  const [parameters, change] = useQueryState();
  const { states, job, cursor } = runFilterIn(parameters);
  const none = ofOneJob ? 'It has not run yet.' : 'Nothing has run yet.';
  return (
    <>
      <RunFilter
        states={states}
        job={ofOneJob ? null : job}
        onChange={(changes) => change({ ...changes, cursor: null })}
      />
      <ReadProblem error={error} shown={data !== undefined} />
      <section className="panel" aria-label="Runs">
        <RunTable
          runs={data?.items ?? null}
          showJob={!ofOneJob}
          none={states.length === 0 && job === '' ? none : 'No runs match.'}
        />
        <Pager cursor={cursor} next={data?.next ?? null} onTurn={(to) => change({ cursor: to })} />
      </section>
    </>
  );
}
