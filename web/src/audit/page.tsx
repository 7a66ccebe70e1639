/** Who did what: changes, log-ins and refusals, newest first, filtered by the address, page by page. */

import { useQuery } from '@tanstack/react-query';
import { useMayAll } from '../access/may.ts';
import { needsRole } from '../access/words.ts';
import { auditQuery } from '../data/queries.ts';
import { usePageTitle } from '../parts/page-title.ts';
import { Pager } from '../parts/pager.tsx';
import { ReadProblem } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { AuditFilter } from './audit-filter.tsx';
import { AuditTable } from './audit-table.tsx';
import { auditFilterIn, isFiltered } from './filter.ts';
import './audit.css';

const pageSize = 100;

export default function AuditPage() {
  usePageTitle('Audit');
  const mayAdmin = useMayAll('admin');
  return (
    <main className="page" id="main" tabIndex={-1}>
      <div className="page-head">
        <h1>Audit</h1>
      </div>
      {mayAdmin ? <Audit /> : <p className="callout">{needsRole('This page', 'admin', null)}</p>}
    </main>
  );
}

function Audit() {
  const [parameters, change] = useQueryState();
  const filter = auditFilterIn(parameters);
  const cursor = parameters.get('cursor');
  // Log-ins and refusals come without an event, and only the newest page changes.
  const { data, error } = useQuery({
    ...auditQuery({ ...filter, limit: pageSize, cursor }),
    staleTime: 0,
    ...(cursor === null && { refetchInterval: 10_000 }),
  });
  return (
    <>
      <AuditFilter filter={filter} onChange={(changes) => change({ ...changes, cursor: null })} />
      <ReadProblem error={error} shown={data !== undefined} />
      <section className="panel" aria-label="What happened">
        {data === undefined ? (
          error === null && <div className="table-pending" />
        ) : data.items.length === 0 ? (
          <p className="empty audit-none">
            {isFiltered(filter) ? 'No line matches.' : 'Nothing has happened yet.'}
          </p>
        ) : (
          <AuditTable lines={data.items} />
        )}
        <Pager cursor={cursor} next={data?.next ?? null} onTurn={(to) => change({ cursor: to })} />
      </section>
    </>
  );
}
