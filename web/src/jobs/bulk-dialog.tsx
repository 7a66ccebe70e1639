/** Before a bulk action: how many jobs, and what depends on them. Afterwards: the outcome for each. */

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { WireStart } from '../../../src/api/wire/starts.ts';
import { DependentsChoice } from '../actions/dependents-choice.tsx';
import { givenIn, ParamFields, paramProblems, type Typed } from '../actions/param-fields.tsx';
import { type Dependents, foreseeStart, newKey } from '../actions/requests.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Names } from '../parts/names.tsx';
import {
  affected,
  type BulkKind,
  declaredBy,
  doBulk,
  findSubjects,
  mostJobs,
  type Outcome,
  startAll,
} from './bulk.ts';
import { hangingOn } from './bulk-order.ts';
import { filterInWords, type JobFilter, toQuery } from './filter.ts';

const words: Record<BulkKind, { readonly verb: string; readonly done: string; readonly means: string }> = {
  trigger: {
    verb: 'Run now',
    done: 'triggered',
    means: 'Runs each job once, in addition to its schedule. Starts either all of them or none.',
  },
  pause: {
    verb: 'Pause',
    done: 'paused',
    means: 'Their due times are skipped until someone resumes them. Unfinished runs continue.',
  },
  resume: { verb: 'Resume', done: 'resumed', means: 'They start again at their next due times.' },
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
  const [failure, setFailure] = useState<unknown>(null);
  const [key] = useState(newKey);
  const [typed, setTyped] = useState<Typed>({});
  const client = useQueryClient();
  const { data, error } = useQuery({
    queryKey: ['bulk', kind, filter],
    queryFn: async ({ signal }) => {
      const found = await findSubjects(toQuery(filter), signal);
      const jobs = affected(kind, found.jobs);
      const foreseen = kind === 'trigger' && !found.tooMany && jobs.length > 0;
      const start = foreseen ? await foreseeStart(jobs.map(({ name }) => name)) : null;
      return { jobs, tooMany: found.tooMany, start };
    },
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const { jobs, start: foreseen } = data ?? { jobs: [], start: null };
  const first = foreseen?.counts.started ?? jobs.length;
  const hanging = kind === 'resume' ? [] : hangingOn(jobs);
  const { verb, done, means } = words[kind];
  const declared = kind === 'trigger' ? declaredBy(jobs) : {};
  const blocked = kind === 'delete' && hanging.length > 0 && dependents === 'refuse';

  const start = async () => {
    setBusy(true);
    setFailure(null);
    if (kind === 'trigger') {
      await startAll(jobs, givenIn(typed), key).then(setOutcomes, setFailure);
    } else {
      setOutcomes([]);
      const onOutcome = (each: Outcome) => setOutcomes((all) => [...(all ?? []), each]);
      await doBulk({ kind, jobs, dependents, onOutcome });
    }
    setBusy(false);
    // Everything except the preview, which is about a start that has happened.
    void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'bulk' });
  };
  return (
    <Dialog
      title={`${verb}: ${filterInWords(filter)}`}
      doing={outcomes === null || busy ? `${verb} ${count(first)}` : undefined}
      danger={kind === 'delete'}
      closing={outcomes === null ? 'Cancel' : 'Close'}
      ready={data !== undefined && !data.tooMany && jobs.length > 0 && !blocked}
      busy={busy}
      error={failure ?? error}
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
        <Outcomes outcomes={outcomes} of={first} done={done} />
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
          {foreseen !== null && foreseen.jobs.length > 1 && <Order start={foreseen} />}
          {hanging.length > 0 && (
            <li>
              {count(hanging.length)} outside the filter {hanging.length === 1 ? 'waits' : 'wait'} for them:{' '}
              <Names names={hanging} />
            </li>
          )}
        </ul>
      )}
      {Object.keys(declared).length > 0 && outcomes === null && (
        <ParamFields
          declared={declared}
          typed={typed}
          problems={paramProblems(failure)}
          onChange={setTyped}
        />
      )}
      {kind === 'delete' && hanging.length > 0 && outcomes === null && (
        <DependentsChoice value={dependents} onChange={setDependents} />
      )}
    </Dialog>
  );
}

/** Which of the selected jobs start and which follow, as computed by the server. */
function Order({ start: { jobs } }: { readonly start: WireStart }) {
  const named = (some: WireStart['jobs']) => <Names names={some.map(({ job }) => job)} />;
  const start = jobs.filter(({ after }) => after.length === 0);
  const follow = jobs.filter(({ after }) => after.length > 0);
  const skipped = jobs.filter(({ skip }) => skip !== null);
  const alone = follow.filter(({ others }) => others.length > 0);
  return (
    <>
      <li>
        {count(start.length)} {start.length === 1 ? 'is' : 'are'} started: {named(start)}
      </li>
      {follow.length > 0 && (
        <li>
          {count(follow.length)} {follow.length === 1 ? 'follows' : 'follow'}, each once, when its selected
          parents have ended: {named(follow)}
        </li>
      )}
      {skipped.length > 0 && (
        <li>
          Of these, {count(skipped.length)} will be skipped, because they are paused, disabled or unfinished:{' '}
          {named(skipped)}
        </li>
      )}
      {alone.length > 0 && (
        <li>
          Of these, {count(alone.length)} {alone.length === 1 ? 'does' : 'do'} not wait for parents outside
          the filter: {named(alone)}
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
