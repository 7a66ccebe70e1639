/** One job: its state, and a tab for each aspect. */

import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { Link } from 'wouter';
import type { WireJob } from '../../../src/api/wire/schema.ts';
import { JobActions } from '../actions/job-actions.tsx';
import { problemOf } from '../data/client.ts';
import { jobQuery } from '../data/queries.ts';
import { Clamped } from '../parts/clamped.tsx';
import { Instant } from '../parts/instant.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { ReadProblem } from '../parts/problem-note.tsx';
import { JobMark } from '../parts/state-mark.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { JobRuns } from './job-runs.tsx';
import { Ledger } from './ledger.tsx';
import { Overview } from './overview.tsx';
import { Revisions } from './revisions.tsx';
import './job.css';

const Definition = lazy(() => import('../edit/definition.tsx'));
const DeletedDefinition = lazy(() => import('../edit/deleted-definition.tsx'));
const Dependencies = lazy(() => import('../graph/neighbourhood.tsx'));
const JobPlots = lazy(() => import('../plots/job-plots.tsx'));

const tabs = [
  ['overview', 'Overview'],
  ['runs', 'Runs'],
  ['ledger', 'Ledger'],
  ['dependencies', 'Dependencies'],
  ['statistics', 'Statistics'],
  ['definition', 'Definition'],
  ['revisions', 'Revisions'],
] as const;

export default function JobPage({ name, tab }: { readonly name: string; readonly tab: string }) {
  usePageTitle(name);
  const { data, error } = useQuery(jobQuery(name));
  const missing = error !== null && problemOf(error).status === 404;
  const job = missing ? undefined : data;
  return (
    <main className="page" id="main" tabIndex={-1}>
      <div className="page-head">
        <div>
          <h1>{name}</h1>
          {job !== undefined && <Standing job={job} />}
        </div>
        {job !== undefined && <JobActions job={job} />}
      </div>
      {job?.definition.description !== undefined && (
        <p className="muted job-description">
          <Clamped text={job.definition.description} />
        </p>
      )}
      {missing ? <Missing name={name} /> : <ReadProblem error={error} shown={job !== undefined} />}
      <Tabs
        label={`About ${name}`}
        chosen={tab}
        tabs={tabs
          .filter(([key]) => !missing || key === 'revisions')
          .map(([key, text]) => ({
            key,
            text,
            to: `/jobs/${encodeURIComponent(name)}${key === 'overview' ? '' : `/${key}`}`,
          }))}
      />
      <Suspense fallback={<div className="tab-pending" />}>
        {tab === 'revisions' ? (
          <Revisions name={name} current={job?.revision ?? null} />
        ) : (
          job !== undefined && <Tab tab={tab} job={job} />
        )}
        {missing && tab === 'definition' && <DeletedDefinition key={name} name={name} />}
      </Suspense>
    </main>
  );
}

/** Shown for an unknown job, which may have been deleted: links to what is left of it. */
const Missing = ({ name }: { readonly name: string }) => (
  <p className="callout callout-late">
    There is no job with this name. If it was deleted,{' '}
    <Link href={`/jobs/${encodeURIComponent(name)}/revisions`}>its revisions</Link> can be restored and{' '}
    <Link href={`/runs?job=${encodeURIComponent(name)}`}>its runs</Link> are kept for a while. You can also{' '}
    <Link href={`/jobs?q=${encodeURIComponent(name)}`}>search for a similar name</Link>.
  </p>
);

function Tab({ tab, job }: { readonly tab: string; readonly job: WireJob }) {
  if (tab === 'runs') return <JobRuns name={job.name} />;
  if (tab === 'ledger') return <Ledger name={job.name} />;
  if (tab === 'dependencies') return <Dependencies name={job.name} />;
  if (tab === 'statistics') return <JobPlots name={job.name} />;
  if (tab === 'definition') return <Definition job={job} />;
  return <Overview job={job} />;
}

/** The job's state in one line. */
function Standing({ job }: { readonly job: WireJob }) {
  const { status, statusReason, running, waiting, counts, nextDue, definition } = job;
  return (
    <p className="standing">
      <JobMark look={status} />
      {statusReason !== null && <span className="muted">{statusReason}</span>}
      {running.length > 0 && (
        <Link href={`/runs/${running[0]}`}>
          <JobMark look="running">{running.length > 1 ? `${running.length} running` : 'Running'}</JobMark>
        </Link>
      )}
      {waiting.length > 0 && (
        <Link href={`/runs/${waiting[0]}`}>
          <JobMark look="waiting">{waiting.length > 1 ? `${waiting.length} waiting` : 'Waiting'}</JobMark>
        </Link>
      )}
      {counts.consecutiveFailures > 0 && (
        <JobMark look="failing">
          {counts.consecutiveFailures === 1
            ? 'Failed in its last run'
            : `Failed ${counts.consecutiveFailures} times in a row`}
        </JobMark>
      )}
      {nextDue !== null && (
        <span className="muted">
          next <Instant at={nextDue} zone={definition.schedule?.timezone} />
        </span>
      )}
    </p>
  );
}
