/** One backfill: how far it is, its steps, and what can be done about it. */

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import type { WireBackfill } from '../../../src/api/wire/backfills.ts';
import { useMaySome } from '../access/may.ts';
import { changeBackfill } from '../actions/requests.ts';
import { useAction } from '../actions/use-action.ts';
import { backfillQuery } from '../data/queries.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Icon } from '../parts/icon.tsx';
import { Exact, Relative } from '../parts/instant.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { Panel } from '../parts/panel.tsx';
import { ReadProblem } from '../parts/problem-note.tsx';
import { TableScroll } from '../parts/table-scroll.tsx';
import { duration } from '../parts/time.ts';
import { BackfillState, Ends, Progress, StepState } from './progress.tsx';

/** Steps that are shown at once. */
const mostSteps = 500;

export default function BackfillPage({ id }: { readonly id: string }) {
  usePageTitle('Backfill');
  const { data, error } = useQuery(backfillQuery(id));
  return (
    <main className="page" id="main" tabIndex={-1}>
      <div className="page-head">
        <div>
          <h1>Backfill of {data?.jobs[0] ?? '…'}</h1>
          {data !== undefined && (
            <p className="standing">
              <BackfillState state={data.state} />
              <span className="muted">
                made <Relative at={data.createdAt} /> by {data.createdBy}
              </span>
              {data.expectedMs !== null && (
                <span className="muted">about {duration(data.expectedMs)} left</span>
              )}
            </p>
          )}
        </div>
        {data !== undefined && <Actions backfill={data} />}
      </div>
      <ReadProblem error={error} shown={data !== undefined} />
      {data !== undefined && (
        <>
          <Panel title="Progress" aside={<Ends backfill={data} />}>
            <div className="backfill-whole">
              <Progress backfill={data} />
              <p className="muted">{inWords(data)}</p>
            </div>
          </Panel>
          <Panel title="Steps">
            <Steps steps={data.steps ?? []} />
          </Panel>
        </>
      )}
    </main>
  );
}

function inWords({ jobs, only, downstream, atOnce, newestFirst, do: task, from, to }: WireBackfill) {
  return (
    <>
      {only.length === 0 ? 'All due times' : `Due times that were ${only.join(' or ')}`} from{' '}
      <Exact at={from} /> to <Exact at={to} />
      {downstream && `, with ${jobs.length - 1} ${jobs.length === 2 ? 'job' : 'jobs'} downstream`}
      {task === 'mark-succeeded' ? ', marked as succeeded' : `, ${atOnce} at a time`}
      {newestFirst ? ', newest first.' : ', oldest first.'}
    </>
  );
}

const words = { pause: 'Pause', resume: 'Resume', cancel: 'Cancel' } as const;
type Change = keyof typeof words;

function Actions({ backfill: { id, state, endedAt } }: { readonly backfill: WireBackfill }) {
  const [isCancelling, setCancelling] = useState(false);
  const mayOperate = useMaySome('operate');
  const action = useAction({
    run: (change: Change) => changeBackfill(id, change),
    said: ({ state: is }: WireBackfill) => ({ tone: 'good', text: `The backfill is ${is}.` }),
    onDone: () => setCancelling(false),
  });
  if (!mayOperate || endedAt !== null || state === 'cancelling') return null;
  const change = state === 'paused' ? 'resume' : 'pause';
  return (
    <div className="actions">
      <button type="button" className="button" onClick={() => action.mutate(change)}>
        <Icon name={change === 'resume' ? 'play' : 'pause'} /> {words[change]}
      </button>
      <button type="button" className="button button-danger" onClick={() => setCancelling(true)}>
        <Icon name="bin" /> {words.cancel}
      </button>
      {isCancelling && (
        <Dialog
          title="Cancel this backfill?"
          doing="Cancel it"
          danger
          closing="Keep it"
          busy={action.isPending}
          error={action.error}
          onDo={() => action.mutate('cancel')}
          onClose={() => setCancelling(false)}
        >
          <p>Runs that have begun run to their end. Nothing else of it begins.</p>
        </Dialog>
      )}
    </div>
  );
}

function Steps({ steps }: { readonly steps: NonNullable<WireBackfill['steps']> }) {
  if (steps.length === 0) return <p className="empty">Its steps are no longer kept.</p>;
  return (
    <TableScroll>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Due</th>
            <th scope="col">Job</th>
            <th scope="col">State</th>
            <th scope="col">Run</th>
          </tr>
        </thead>
        <tbody>
          {steps.slice(0, mostSteps).map(({ job, due, state, run }) => (
            <tr key={`${job} ${due}`}>
              <td>
                <Exact at={due} />
              </td>
              <td>
                <Link href={`/jobs/${encodeURIComponent(job)}`}>{job}</Link>
              </td>
              <td>
                <StepState state={state} />
              </td>
              <td>{run !== null && <Link href={`/runs/${run}`}>Show the run</Link>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {steps.length > mostSteps && (
        <p className="empty">
          The first {mostSteps} of {steps.length.toLocaleString('en')}.
        </p>
      )}
    </TableScroll>
  );
}
