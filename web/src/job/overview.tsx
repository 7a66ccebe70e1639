/** A job at a glance: what it does, its schedule, its recent runs, and its settings. */

import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { WireJob } from '../../../src/api/wire/schema.ts';
import { useMayAll } from '../access/may.ts';
import { jobRunsQuery, jobStatsQuery } from '../data/queries.ts';
import { Clamped } from '../parts/clamped.tsx';
import { Fact, Facts } from '../parts/fact.tsx';
import { Names } from '../parts/names.tsx';
import { Panel } from '../parts/panel.tsx';
import { RunTable } from '../parts/run-table.tsx';
import { LinkedStrip } from '../parts/strip.tsx';
import { TableScroll } from '../parts/table-scroll.tsx';
import { duration, memory } from '../parts/time.ts';
import { JobAlerts } from './alerts.tsx';
import { NextInstants } from './next-instants.tsx';

export function Overview({ job }: { readonly job: WireJob }) {
  const { data: runs } = useQuery(jobRunsQuery(job.name, { limit: 12 }));
  const items = runs?.items ?? [];
  return (
    <div className="job-columns">
      <div className="job-main">
        <JobAlerts job={job} />
        <Panel
          title="Last runs"
          aside={
            <>
              <LinkedStrip runs={items.toReversed()} />
              <Link className="aside" href={`/jobs/${job.name}/runs`}>
                All runs
              </Link>
            </>
          }
        >
          <RunTable runs={runs === undefined ? null : items.slice(0, 8)} none="No runs yet." />
        </Panel>
        <Command job={job} />
      </div>
      <div className="job-side">
        <Panel title="About">
          <div className="panel-body">
            <About job={job} />
          </div>
        </Panel>
        <Percentiles name={job.name} />
        <NextInstants job={job} />
      </div>
    </div>
  );
}

function Command({ job: { definition } }: { readonly job: WireJob }) {
  const { run } = definition;
  if (run === undefined) return <Elsewhere name={definition.name} />;
  const { command, argv, image } = run;
  return (
    <Panel title="Command" aside={image !== undefined && <code className="chip">{image}</code>}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long one is scrolled with the keyboard */}
      <pre className="command" tabIndex={0}>
        {command ??
          argv?.map((word) => JSON.stringify(word)).join(' ') ??
          'The default command of the image.'}
      </pre>
    </Panel>
  );
}

/** Somebody else runs the job: how to report its runs. */
function Elsewhere({ name }: { readonly name: string }) {
  return (
    <Panel title="Run elsewhere">
      <div className="panel-body">
        <p className="muted">Somebody else runs this job, for example a crontab, and reports each run:</p>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long one is scrolled with the keyboard */}
      <pre className="command" tabIndex={0}>
        {`carillon --url ${location.origin} exec ${name} -- command\n`}
        {`command && curl -fsS -X POST ${location.origin}/api/v1/heartbeats/${name}`}
      </pre>
    </Panel>
  );
}

function About({ job }: { readonly job: WireJob }) {
  const { definition, scheduleText, parents, children, counts, revision, updatedBy } = job;
  const labels = Object.entries(definition.labels ?? {});
  const mayAdmin = useMayAll('admin');
  return (
    <Facts>
      <Fact name="Schedule">
        <Clamped text={scheduleText} />
      </Fact>
      {definition.owner !== undefined && (
        <Fact name="Owner">
          <Link href={`/jobs?owner=${encodeURIComponent(definition.owner)}`}>{definition.owner}</Link>
        </Fact>
      )}
      {labels.length > 0 && (
        <Fact name="Labels">
          <span className="actions">
            {labels.map(([key, value]) => (
              <Link key={key} className="chip" href={`/jobs?label=${encodeURIComponent(`${key}=${value}`)}`}>
                {key}={value}
              </Link>
            ))}
          </span>
        </Fact>
      )}
      {parents.length > 0 && (
        <Fact name="Parents">
          <Names names={parents} />
        </Fact>
      )}
      {children.length > 0 && (
        <Fact name="Children">
          <Names names={children} />
        </Fact>
      )}
      <Fact name="Runs so far">
        {counts.succeeded.toLocaleString('en')} succeeded, {counts.failed.toLocaleString('en')} failed
        {counts.skipped > 0 && `, ${counts.skipped.toLocaleString('en')} skipped`}
        {counts.missed > 0 && `, ${counts.missed.toLocaleString('en')} missed`}
      </Fact>
      <Fact name="Revision">
        <Link href={`/jobs/${job.name}/revisions`}>{revision}</Link>
        <span className="muted"> by {updatedBy}</span>
      </Fact>
      {mayAdmin && (
        <Fact name="Audit">
          <Link href={`/audit?on=${encodeURIComponent(job.name)}`}>Who did what</Link>
        </Fact>
      )}
    </Facts>
  );
}

const shownPercentiles = [
  ['p50', 'p50'],
  ['p95', 'p95'],
  ['p99', 'p99'],
  ['max', 'longest'],
] as const;

function Percentiles({ name }: { readonly name: string }) {
  const { data } = useQuery(jobStatsQuery(name));
  const rows = [
    ['Run time', data?.runTime, duration],
    ['Start lateness', data?.startLateness, duration],
    ['Queue wait', data?.queueWait, duration],
    // Only some engines measure these.
    ...(data !== undefined && data.cpuTime.count > 0
      ? ([
          ['CPU time', data.cpuTime, duration],
          ['Peak memory', data.peakMemory, memory],
        ] as const)
      : []),
  ] as const;
  return (
    <Panel
      title="Percentiles"
      aside={
        <Link className="aside" href={`/jobs/${name}/statistics`}>
          Over time
        </Link>
      }
    >
      <TableScroll>
        <table className="table table-tight">
          <thead>
            <tr>
              <th scope="col">All-time</th>
              {shownPercentiles.map(([key, word]) => (
                <th key={key} scope="col" className="number">
                  {word}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([word, summary, words]) => (
              <tr key={word}>
                <th scope="row">{word}</th>
                {shownPercentiles.map(([key]) => (
                  <td key={key} className="number">
                    {words(summary?.[key] ?? null)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </TableScroll>
    </Panel>
  );
}
