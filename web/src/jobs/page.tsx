/** All jobs, however many: filtered and sorted by the server, with only visible rows drawn. */

import { useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import { useMaySome } from '../access/may.ts';
import { Icon } from '../parts/icon.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { ReadProblem } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { BulkMenu } from './bulk-menu.tsx';
import { filterIn, isFiltered, sortIn, toQuery } from './filter.ts';
import { FilterBar } from './filter-bar.tsx';
import { JobTable } from './job-table.tsx';
import { useJobPages } from './pages.ts';
import './jobs.css';

export default function JobsPage() {
  usePageTitle('Jobs');
  const [parameters, change] = useQueryState();
  const filter = filterIn(parameters);
  const { sort, order } = sortIn(parameters);
  const [view, setView] = useState({ first: 0, last: 30 });
  const query = { ...toQuery(filter), sort, order };
  const pages = useJobPages(query, view);
  useTopOfNewLists(JSON.stringify(query));
  const { total, error } = pages;
  return (
    <main className="page jobs-page" id="main" tabIndex={-1}>
      <div className="page-head">
        <h1>Jobs</h1>
        <span className="muted" role="status">
          {total === null ? '' : `${total.toLocaleString('en')}${isFiltered(filter) ? ' match' : ''}`}
        </span>
        <div className="actions">
          <BulkMenu filter={filter} total={total} />
        </div>
      </div>
      <FilterBar filter={filter} onChange={change} />
      <ReadProblem error={error} shown={total !== null} />
      {total === 0 ? (
        <Nothing filtered={isFiltered(filter)} onClear={() => change(cleared)} />
      ) : (
        <JobTable
          pages={pages}
          sort={sort}
          order={order}
          onSort={(next) => change({ sort: next.sort === 'name' ? null : next.sort, order: next.order })}
          onView={setView}
        />
      )}
    </main>
  );
}

/** Scrolls to the first row when the filter or the sort order changes. */
function useTopOfNewLists(query: string): void {
  const shown = useRef(query);
  useEffect(() => {
    if (shown.current !== query) scrollTo(0, 0);
    shown.current = query;
  }, [query]);
}

const cleared = { q: null, label: null, owner: null, state: null };

function Nothing({ filtered, onClear }: { readonly filtered: boolean; readonly onClear: () => void }) {
  const mayCreate = useMaySome('edit');
  if (filtered) {
    return (
      <div className="panel nothing">
        <h2>No job matches</h2>
        <button type="button" className="button" onClick={onClear}>
          Show all jobs
        </button>
      </div>
    );
  }
  if (!mayCreate) {
    return (
      <div className="panel nothing">
        <h2>There are no jobs that you may see</h2>
      </div>
    );
  }
  return (
    <div className="panel nothing">
      <h2>There are no jobs yet</h2>
      <p className="muted">
        A job is a command with a schedule. Create one here, or submit files with{' '}
        <code>carillon apply -f</code>.
      </p>
      <Link href="/new" className="button button-primary">
        <Icon name="plus" /> New job
      </Link>
    </div>
  );
}
