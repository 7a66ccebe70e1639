/** Makes a backfill: which due times of which jobs, and how. Shows what would run before it is made. */

import { useQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { useLocation } from 'wouter';
import type { WireBackfillPlan, WireNewBackfill } from '../../../src/api/wire/backfills.ts';
import { makeBackfill, newKey, planBackfill } from '../actions/requests.ts';
import { useAction } from '../actions/use-action.ts';
import { problemOf } from '../data/client.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Exact } from '../parts/instant.tsx';
import { Names } from '../parts/names.tsx';
import { useNow } from '../parts/now.ts';
import { duration } from '../parts/time.ts';

const dayMs = 86_400_000;
const shownDues = 5;
type Only = NonNullable<WireNewBackfill['only']>[number];
const fates: readonly (readonly [Only, string])[] = [
  ['missed', 'Missed or passed over'],
  ['failed', 'Failed'],
  ['skipped', 'Skipped'],
  ['never', 'Never decided, such as before the job existed'],
];
const mostAtOnce = 16;

interface Props {
  readonly jobs: readonly string[];
  /** UTC days, both included. Default: the last week. */
  readonly from?: string;
  readonly to?: string;
  readonly onClose: () => void;
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

interface Form {
  /** UTC days, both included. */
  readonly from: string;
  readonly to: string;
  readonly atOnce: number;
  readonly only: readonly Only[];
  readonly downstream: boolean;
  readonly newestFirst: boolean;
  readonly marks: boolean;
}

interface FieldsProps {
  readonly form: Form;
  readonly onChange: (changed: Partial<Form>) => void;
}

function requestOf(jobs: readonly string[], form: Form, now: number): WireNewBackfill {
  const { from, to, only, atOnce, downstream, newestFirst, marks } = form;
  const end = Date.parse(to) + dayMs;
  return {
    jobs: [...jobs],
    from,
    // A day that is not over: up to now.
    ...(end <= now && { to: new Date(end).toISOString() }),
    only: [...only],
    ...{ atOnce, downstream, newestFirst },
    do: marks ? 'mark-succeeded' : 'run',
  };
}

export function BackfillDialog({ jobs, onClose, ...span }: Props) {
  const now = useNow();
  const [key] = useState(newKey);
  const [, navigate] = useLocation();
  const [form, setForm] = useState<Form>({
    from: span.from ?? dayOf(now - 7 * dayMs),
    to: span.to ?? dayOf(now),
    ...{ atOnce: 1, only: ['missed', 'failed'], downstream: false, newestFirst: false, marks: false },
  });
  const isReady = form.from !== '' && form.to !== '';
  const plan = useQuery({
    queryKey: ['backfill-plan', jobs, form],
    queryFn: () => planBackfill(requestOf(jobs, form, now)),
    enabled: isReady,
    retry: false,
  });
  const make = useAction({
    run: () => makeBackfill(requestOf(jobs, form, now), key),
    said: (made) => ({ tone: 'good', text: `A backfill of ${made.counts.steps} due times has begun.` }),
    onDone: (made) => {
      onClose();
      navigate(`/backfills/${made.id}`);
    },
  });
  const change = (changed: Partial<Form>) => setForm({ ...form, ...changed });
  return (
    <Dialog
      title={jobs.length === 1 ? `Backfill ${jobs[0]}` : `Backfill ${jobs.length} jobs`}
      doing={form.marks ? 'Mark as succeeded' : 'Run them'}
      ready={isReady && plan.data !== undefined}
      busy={make.isPending}
      error={make.error}
      onDo={() => make.mutate()}
      onClose={onClose}
    >
      <p>
        Runs due times of the past again, below everything else in every queue.{' '}
        {jobs.length > 1 && <Names names={jobs} />}
      </p>
      <SpanFields form={form} onChange={change} />
      <OnlyFields form={form} onChange={change} />
      <HowFields form={form} onChange={change} />
      <Foreseen plan={plan.data} error={plan.error} />
    </Dialog>
  );
}

function SpanFields({ form: { from, to, atOnce }, onChange }: FieldsProps) {
  const id = useId();
  const today = dayOf(useNow());
  return (
    <div className="backfill-span">
      <div className="field">
        <label htmlFor={`${id}-from`}>First day (UTC)</label>
        <input
          id={`${id}-from`}
          className="input"
          type="date"
          max={today}
          value={from}
          onChange={({ target }) => onChange({ from: target.value })}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-to`}>Last day (UTC)</label>
        <input
          id={`${id}-to`}
          className="input"
          type="date"
          min={from}
          max={today}
          value={to}
          onChange={({ target }) => onChange({ to: target.value })}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-at-once`}>Runs at a time</label>
        <input
          id={`${id}-at-once`}
          className="input"
          type="number"
          min={1}
          max={mostAtOnce}
          value={atOnce}
          onChange={({ target }) => onChange({ atOnce: Number(target.value) })}
        />
      </div>
    </div>
  );
}

const OnlyFields = ({ form: { only }, onChange }: FieldsProps) => (
  <fieldset className="field">
    <legend className="label">Only due times that ended so; none chosen: all</legend>
    {fates.map(([fate, text]) => (
      <label key={fate} className="choice">
        <input
          type="checkbox"
          checked={only.includes(fate)}
          onChange={() =>
            onChange({ only: only.includes(fate) ? only.filter((each) => each !== fate) : [...only, fate] })
          }
        />
        <span>{text}</span>
      </label>
    ))}
  </fieldset>
);

const ways = [
  ['downstream', 'The jobs downstream as well, in their rounds'],
  ['newestFirst', 'Newest first'],
  ['marks', 'Only mark them as succeeded, and run nothing'],
] as const;

const HowFields = ({ form, onChange }: FieldsProps) => (
  <fieldset className="field">
    <legend className="label">How</legend>
    {ways.map(([way, text]) => (
      <label key={way} className="choice">
        <input type="checkbox" checked={form[way]} onChange={() => onChange({ [way]: !form[way] })} />
        <span>{text}</span>
      </label>
    ))}
  </fieldset>
);

function Foreseen({ plan, error }: { readonly plan: WireBackfillPlan | undefined; readonly error: unknown }) {
  if (error !== null) {
    const { detail, allowed } = problemOf(error);
    return (
      <p className="callout" role="status">
        {detail} {typeof allowed === 'string' && `Allowed: ${allowed}.`}
      </p>
    );
  }
  if (plan === undefined)
    return (
      <p className="muted" role="status">
        Looking at the ledger …
      </p>
    );
  const { steps, left, unfinished, expectedMs } = plan;
  return (
    <div role="status">
      <p>
        <strong>
          {steps.length.toLocaleString('en')} {steps.length === 1 ? 'run' : 'runs'}
        </strong>
        {expectedMs === null ? ', of unknown duration' : `, about ${duration(expectedMs)}`}
      </p>
      <ul className="consequences">
        {steps.slice(0, shownDues).map(({ job, due }) => (
          <li key={`${job} ${due}`}>
            <Exact at={due} /> {job}
          </li>
        ))}
        {steps.length > shownDues && <li>and {steps.length - shownDues} more</li>}
        {unfinished > 0 && <li>Left out: {unfinished} whose own run has not ended.</li>}
        {left.length > 0 && (
          <li>
            Not followed, because their parents have different due times: <Names names={left} />
          </li>
        )}
      </ul>
    </div>
  );
}
