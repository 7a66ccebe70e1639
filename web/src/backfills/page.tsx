/** All backfills, newest first. `?new=job` in the address opens the dialog for one. */

import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { WireBackfill } from '../../../src/api/wire/backfills.ts';
import { backfillsQuery } from '../data/queries.ts';
import { Exact, Relative } from '../parts/instant.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { ReadProblem } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { TableScroll } from '../parts/table-scroll.tsx';
import { BackfillDialog } from './dialog.tsx';
import { BackfillState, Progress } from './progress.tsx';

export default function BackfillsPage() {
  usePageTitle('Backfills');
  const [parameters, change] = useQueryState();
  const { data, error } = useQuery(backfillsQuery);
  const asked = parameters.get('new');
  const span = { from: parameters.get('from'), to: parameters.get('to') };
  return (
    <main className="page" id="main" tabIndex={-1}>
      <div className="page-head">
        <h1>Backfills</h1>
      </div>
      <ReadProblem error={error} shown={data !== undefined} />
      <section className="panel" aria-label="Backfills">
        {data === undefined ? (
          error === null && <div className="table-pending" />
        ) : data.items.length === 0 ? (
          <p className="empty">
            There are no backfills. A backfill runs due times of the past again: choose a{' '}
            <Link href="/jobs">job</Link>, then <em>Backfill</em>.
          </p>
        ) : (
          <BackfillTable backfills={data.items} />
        )}
      </section>
      {asked !== null && (
        <BackfillDialog
          jobs={asked.split(',')}
          {...(span.from !== null && { from: span.from.slice(0, 10) })}
          {...(span.to !== null && { to: span.to.slice(0, 10) })}
          onClose={() => change({ new: null, from: null, to: null })}
        />
      )}
    </main>
  );
}

const BackfillTable = ({ backfills }: { readonly backfills: readonly WireBackfill[] }) => (
  <TableScroll>
    <table className="table stacked">
      <thead>
        <tr>
          <th scope="col">Jobs</th>
          <th scope="col">State</th>
          <th scope="col">Progress</th>
          <th scope="col">From</th>
          <th scope="col">To</th>
          <th scope="col">Made</th>
        </tr>
      </thead>
      <tbody>
        {backfills.map((backfill) => (
          <tr key={backfill.id}>
            <td>
              <Link href={`/backfills/${backfill.id}`}>{named(backfill.jobs)}</Link>
            </td>
            <td data-label="State">
              <BackfillState state={backfill.state} />
            </td>
            <td data-label="Progress">
              <Progress backfill={backfill} />
            </td>
            <td data-label="From">
              <Exact at={backfill.from} />
            </td>
            <td data-label="To">
              <Exact at={backfill.to} />
            </td>
            <td className="muted" data-label="Made">
              <Relative at={backfill.createdAt} /> by {backfill.createdBy}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </TableScroll>
);

const named = (jobs: readonly string[]): string =>
  jobs.slice(0, 2).join(', ') + (jobs.length > 2 ? ` and ${jobs.length - 2} more` : '');
