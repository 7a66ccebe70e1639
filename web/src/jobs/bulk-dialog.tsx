/** Before: how many jobs, and what hangs on them. After: what became of each. */

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { WireJob } from '../../../src/api/wire/schema.ts';
import { DependentsChoice } from '../actions/dependents-choice.tsx';
import type { Dependents } from '../actions/requests.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Names } from '../parts/names.tsx';
import { affected, type BulkKind, doBulk, findStarts, findSubjects, mostJobs, type Outcome } from './bulk.ts';
import { hangingOn, type Starts } from './bulk-order.ts';
import { filterInWords, type JobFilter, toQuery } from './filter.ts';

const words: Record<BulkKind, { readonly verb: string; readonly done: string; readonly means: string }> = {
  trigger: { verb: 'Run now', done: 'triggered', means: 'Each runs once more, beside its schedule.' },
  pause: {
    verb: 'Pause',
    done: 'paused',
    means: 'Their due instants are skipped until somebody resumes them; what runs goes on.',
  },
  resume: { verb: 'Resume', done: 'resumed', means: 'They start again at their next due instants.' },
  delete: {
    verb: 'Delete',
    done: 'deleted',
    means: 'They are not started any more, and their unfinished runs are killed.',
  },
};

interface Props {
  readonly kind: BulkKind;
  readonly filter: JobFilter;
  readonly onClose: () => void;
}

export function BulkDialog({ kind, filter, onClose }: Props) {
  const [dependents, setDependents] = useState<Dependents>('refuse');
  const [outcomes, setOutcomes] = useState<readonly Outcome[] | null>(null);
  const [busy, setBusy] = useState(false);
  const client = useQueryClient();
  const { data, error } = useQuery({
    queryKey: ['bulk', kind, filter],
    queryFn: async ({ signal }) => {
      const found = await findSubjects(toQuery(filter), signal);
      const jobs = affected(kind, found.jobs);
      const inOrder = kind === 'trigger' && !found.tooMany;
      const starts = inOrder ? await findStarts(jobs, signal) : { start: jobs, follow: [] };
      return { jobs, tooMany: found.tooMany, ...starts };
    },
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const { jobs, start: started, follow } = data ?? { jobs: [], ...none };
  const hanging = kind === 'resume' ? [] : hangingOn(jobs);
  const { verb, done, means } = words[kind];
  const blocked = kind === 'delete' && hanging.length > 0 && dependents === 'refuse';

  const start = async () => {
    setBusy(true);
    setOutcomes([]);
    await doBulk({
      kind,
      jobs: started,
      dependents,
      onOutcome: (each) => setOutcomes((all) => [...(all ?? []), each]),
    });
    setBusy(false);
    void client.invalidateQueries();
  };
  return (
    <Dialog
      title={`${verb}: ${filterInWords(filter)}`}
      doing={outcomes === null || busy ? `${verb} ${count(started.length)}` : undefined}
      danger={kind === 'delete'}
      closing={outcomes === null ? 'Cancel' : 'Close'}
      ready={data !== undefined && !data.tooMany && jobs.length > 0 && !blocked}
      busy={busy}
      error={error}
      onDo={() => void start()}
      onClose={onClose}
    >
      {data?.tooMany === true && (
        <p className="callout callout-late">
          More than {mostJobs.toLocaleString('en')} jobs match. Narrow the filter, or use{' '}
          <code>carillon</code> in a script.
        </p>
      )}
      {outcomes !== null ? (
        <Outcomes outcomes={outcomes} of={started.length} done={done} />
      ) : (
        <ul className="consequences" aria-busy={data === undefined}>
          <li>
            {data === undefined ? (
              'Loading jobs …'
            ) : (
              <>
                {count(jobs.length)}: <Names names={jobs.map(({ name }) => name)} />
              </>
            )}
          </li>
          <li>{means}</li>
          {follow.length > 0 && <Followers start={started} follow={follow} />}
          {hanging.length > 0 && (
            <li>
              {count(hanging.length)} outside of the filter {hanging.length === 1 ? 'waits' : 'wait'} for
              them: <Names names={hanging} />
            </li>
          )}
        </ul>
      )}
      {kind === 'delete' && hanging.length > 0 && outcomes === null && (
        <DependentsChoice value={dependents} onChange={setDependents} />
      )}
    </Dialog>
  );
}

const none: Starts<WireJob> = { start: [], follow: [] };

/** Of those chosen, who starts the others. */
function Followers({ start, follow }: Starts<WireJob>) {
  const chosen = new Set([...start, ...follow].map(({ name }) => name));
  const idle = follow.filter(({ status }) => status === 'paused' || status === 'disabled');
  const also = follow.filter(({ parents }) => parents.some((parent) => !chosen.has(parent)));
  return (
    <>
      <li>
        {count(start.length)} {start.length === 1 ? 'is' : 'are'} started:{' '}
        <Names names={start.map(({ name }) => name)} />
      </li>
      <li>
        {count(follow.length)} {follow.length === 1 ? 'follows' : 'follow'}, each when the jobs that it waits
        for have ended: <Names names={follow.map(({ name }) => name)} />
      </li>
      {idle.length > 0 && (
        <li>
          Of these, {count(idle.length)} will be skipped, being paused or disabled:{' '}
          <Names names={idle.map(({ name }) => name)} />
        </li>
      )}
      {also.length > 0 && (
        <li>
          Of these, {count(also.length)} {also.length === 1 ? 'waits' : 'wait'} for jobs outside of the filter
          too: <Names names={also.map(({ name }) => name)} />
        </li>
      )}
    </>
  );
}

const count = (jobs: number): string => (jobs === 1 ? '1 job' : `${jobs.toLocaleString('en')} jobs`);

interface OutcomesProps {
  readonly outcomes: readonly Outcome[];
  readonly of: number;
  readonly done: string;
}

function Outcomes({ outcomes, of, done }: OutcomesProps) {
  const refused = outcomes.filter(({ problem }) => problem !== null);
  const good = outcomes.length - refused.length;
  return (
    <div className="outcomes" role="status">
      <progress value={outcomes.length} max={of} aria-label="Progress" />
      <p>
        {good} {done}
        {refused.length > 0 && `, ${refused.length} refused`}
        {outcomes.length < of && `, ${of - outcomes.length} to go`}.
      </p>
      {refused.length > 0 && (
        <ul className="outcome-list">
          {refused.map(({ job, problem }) => (
            <li key={job}>
              <strong>{job}</strong> {problem}
            </li>
          ))}
        </ul>
      )}
      {outcomes.length === of && good > 0 && (
        <details>
          <summary>
            {good} {done}
          </summary>
          <ul className="outcome-list">
            {outcomes.map(({ job, problem }) => problem === null && <li key={job}>{job}</li>)}
          </ul>
        </details>
      )}
    </div>
  );
}
