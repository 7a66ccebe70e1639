/** One run: its state with the reason, its timeline, its attempts, and its output. */

import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { WireRun } from '../../../src/api/wire/schema.ts';
import { RunActions } from '../actions/run-actions.tsx';
import { jobStatsQuery, runQuery } from '../data/queries.ts';
import { Fact, Facts } from '../parts/fact.tsx';
import { Exact, Instant, Relative } from '../parts/instant.tsx';
import { useNow } from '../parts/now.ts';
import { usePageTitle } from '../parts/page-title.ts';
import { Panel } from '../parts/panel.tsx';
import { ReadProblem } from '../parts/problem-note.tsx';
import { Reason } from '../parts/reason.tsx';
import { RunMark, runWord } from '../parts/state-mark.tsx';
import { duration } from '../parts/time.ts';
import { Attempts } from './attempts.tsx';
import { Logs } from './logs.tsx';
import { Rendered } from './rendered.tsx';
import { RunTimeline } from './run-timeline.tsx';
import { byWhom } from './timeline.ts';
import './run.css';

export default function RunPage({ id }: { readonly id: string }) {
  const { data: run, error } = useQuery(runQuery(id));
  usePageTitle(run === undefined ? 'Run' : `${runWord(run.state)}: ${run.job}`);
  return (
    <main className="page" id="main" tabIndex={-1}>
      {run === undefined ? (
        <ReadProblem error={error} shown={false} />
      ) : (
        <>
          <div className="page-head">
            <div className="run-title">
              <p className="muted">
                Run of <Link href={`/jobs/${run.job}`}>{run.job}</Link>
              </p>
              <h1>
                <RunMark state={run.state} />{' '}
                <span className="run-due">
                  due <Exact at={run.due} />
                </span>
              </h1>
            </div>
            <RunActions run={run} />
          </div>
          <Why run={run} />
          <div className="run-columns">
            <Panel title="Timeline">
              <RunTimeline run={run} />
            </Panel>
            <Panel title="Details">
              <div className="panel-body">
                <RunFacts run={run} />
              </div>
            </Panel>
          </div>
          <Attempts run={run} />
          <Rendered run={run} />
          <Logs run={run} />
        </>
      )}
    </main>
  );
}

/** The reason for its state, and its expected end. */
function Why({ run }: { readonly run: WireRun }) {
  const tone = run.state === 'running' || run.state === 'launching' ? 'run' : 'late';
  if (run.endedAt !== null) {
    if (run.reason === null || run.state === 'succeeded') return null;
    const failed = run.state !== 'skipped' && run.state !== 'missed';
    return (
      <p className={`callout ${failed ? 'callout-fail' : 'callout-late'}`}>
        <Reason why={run.why} text={run.reason} capital job={run.job} />
      </p>
    );
  }
  return (
    <p className={`callout callout-${tone}`}>
      {run.reason !== null && (
        <>
          <Reason why={run.why} text={run.reason} capital job={run.job} />.{' '}
        </>
      )}
      {run.notBefore !== null && (
        <>
          The run continues <Relative at={run.notBefore} />.{' '}
        </>
      )}
      {run.startBy !== null && (
        <>
          The run is missed if it has not started by <Instant at={run.startBy} />.{' '}
        </>
      )}
      {tone === 'run' ? <Expected run={run} /> : run.reason === null && 'The run is waiting for a slot.'}
    </p>
  );
}

/** The expected end, from the run times of the job. */
function Expected({ run }: { readonly run: WireRun }) {
  const now = useNow();
  const { data } = useQuery(jobStatsQuery(run.job));
  const started = run.attempts.at(-1)?.startedAt ?? null;
  if (data === undefined || started === null) return 'The run is being started.';
  const { p50, p95 } = data.runTime;
  const soFar = now - Date.parse(started);
  if (p50 === null || p95 === null)
    return `Running for ${duration(soFar)}; there is no earlier run to estimate the duration from.`;
  if (soFar > p95) return `Running for ${duration(soFar)}, longer than 95 % of runs (${duration(p95)}).`;
  if (soFar > p50)
    return (
      `Running for ${duration(soFar)}; 95 % of runs end within ${duration(p95)}, so expect the end ` +
      `within ${duration(p95 - soFar)}.`
    );
  return (
    `Expected to end in ${duration(p50 - soFar)}: the median run time is ${duration(p50)}, the 95th ` +
    `percentile ${duration(p95)}.`
  );
}

function RunFacts({ run }: { readonly run: WireRun }) {
  const params = Object.entries(run.params);
  return (
    <Facts>
      <Fact name="Run">
        <code>{run.id}</code>
      </Fact>
      <Fact name="Trigger">{byWhom(run)}</Fact>
      {run.interval != null && (
        <Fact name="Interval">
          <Instant at={run.interval.start} /> to <Instant at={run.interval.end} />
        </Fact>
      )}
      {run.trigger.of !== null && (
        <Fact name="Rerun of">
          <Link href={`/runs/${run.trigger.of}`}>{run.trigger.of}</Link>
        </Fact>
      )}
      <Fact name="Start lateness">{duration(run.lateMs)}</Fact>
      <Fact name="Duration">{duration(run.runMs)}</Fact>
      <Fact name="Revision">
        <Link href={`/jobs/${run.job}/revisions?revision=${run.revision}`}>{run.revision}</Link>
        {run.priority !== 0 && `, priority ${run.priority}`}
      </Fact>
      {run.parents.length > 0 && (
        <Fact name="Triggered by">
          {run.parents.map((parent) => (
            <div key={parent}>
              <Link href={`/runs/${parent}`}>{parent}</Link>
            </div>
          ))}
        </Fact>
      )}
      {params.length > 0 && (
        <Fact name="Parameters">
          {params.map(([name, value]) => (
            <div key={name} className="mono">
              {name}={value}
            </div>
          ))}
        </Fact>
      )}
    </Facts>
  );
}
