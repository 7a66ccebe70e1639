/** Runs, newest due time first, filtered by the address, page by page. */

import type { UseQueryResult } from '@tanstack/react-query';
import type { WireRunList } from '../../../src/api/wire/schema.ts';
import { Pager } from '../parts/pager.tsx';
import { ReadProblem } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { RunTable } from '../parts/run-table.tsx';
import { RunFilter, runFilterIn } from './run-filter.tsx';

interface Props {
  /** The page selected by the address, see `runFilterIn`. */
  readonly answer: UseQueryResult<WireRunList>;
  /** All runs are of one job, so the job is not shown. */
  readonly ofOneJob?: boolean;
}

export function RunPages({ answer: { data, error }, ofOneJob = false }: Props) {
  const [parameters, change] = useQueryState();
  const { states, job, cursor } = runFilterIn(parameters);
  const none = states.length === 0 && job === '' ? 'No runs yet.' : 'No runs match.';
  // A request reads a bounded part of the history.
  const hasMore = typeof data?.next === 'string';
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
          none={hasMore ? 'No runs in this part of the history. Older ones are on the next page.' : none}
        />
        <Pager cursor={cursor} next={data?.next ?? null} onTurn={(to) => change({ cursor: to })} />
      </section>
    </>
  );
}
