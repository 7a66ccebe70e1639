/**
 * The overview: late jobs with reason, downstream jobs and expected end; failing, running and upcoming jobs.
 */

import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { WireOverview } from '../../../src/api/wire/plots.ts';
import { overviewQuery } from '../data/queries.ts';
import { Icon } from '../parts/icon.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { ReadProblem } from '../parts/problem-note.tsx';
import { Failing } from './failing.tsx';
import { headline } from './headline.ts';
import { LateJobs } from './late-jobs.tsx';
import { NextHour } from './next-hour.tsx';
import { Running } from './running.tsx';
import './home.css';

export default function HomePage() {
  const { data, error } = useQuery(overviewQuery);
  const troubles = data === undefined ? 0 : data.counts.late + data.counts.failing;
  usePageTitle(troubles === 0 ? '' : `${troubles} in trouble`);
  return (
    <main className="page home" id="main" tabIndex={-1}>
      <h1 className="headline">{data === undefined ? ' ' : headline(data.counts)}</h1>
      <ReadProblem error={error} shown={data !== undefined} />
      {data === undefined ? (
        <div className="home-pending" />
      ) : data.counts.jobs === 0 ? (
        <Welcome />
      ) : (
        <Now data={data} />
      )}
    </main>
  );
}

const Now = ({ data }: { readonly data: WireOverview }) => (
  <>
    <Counts data={data} />
    {data.late.total > 0 && <LateJobs late={data.late} />}
    {data.failing.total > 0 && <Failing failing={data.failing} />}
    <div className="home-columns">
      <Running running={data.running} />
      <NextHour next={data.nextHour} />
    </div>
  </>
);

function Counts({ data: { counts, nextHour } }: { readonly data: WireOverview }) {
  const figures = [
    { text: 'Late', value: counts.late, to: '/jobs?state=late', tone: counts.late > 0 ? 'late' : '' },
    {
      text: 'Failing',
      value: counts.failing,
      to: '/jobs?state=failing&sort=failures&order=desc',
      tone: counts.failing > 0 ? 'fail' : '',
    },
    { text: 'Running', value: counts.running, to: '/jobs?state=running', tone: '' },
    { text: 'Waiting', value: counts.waiting, to: '/jobs?state=waiting', tone: '' },
    { text: 'Next hour', value: nextHour.total, to: '/jobs?sort=nextDue', tone: '' },
    {
      text: 'Paused',
      value: counts.paused + counts.disabled,
      to: '/jobs?state=paused&state=disabled',
      tone: '',
    },
    { text: 'All jobs', value: counts.jobs, to: '/jobs', tone: '' },
  ];
  return (
    <ul className="figures">
      {figures.map(({ text, value, to, tone }) => (
        <li key={text}>
          <Link href={to} className={tone === '' ? '' : `figure-${tone}`}>
            <strong>{value.toLocaleString('en')}</strong>
            <span>{text}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

const Welcome = () => (
  <div className="panel welcome">
    <h2>There are no jobs yet</h2>
    <p className="muted">
      A job is a command with a schedule: a cron expression, a repeat, a single time, or the end of other
      jobs. Create the first one here, or submit files from a shell.
    </p>
    <pre>carillon apply -f examples/etl</pre>
    <Link href="/new" className="button button-primary">
      <Icon name="plus" /> New job
    </Link>
  </div>
);
