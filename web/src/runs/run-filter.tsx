/** The filter of the run list, kept in the address. */

import { Choices } from '../parts/choices.tsx';
import { type Change, toggled } from '../parts/query-state.ts';
import type { RunState } from '../parts/state-mark.tsx';
import { runWord } from '../parts/state-mark.tsx';

const states: readonly RunState[] = [
  'running',
  'waiting',
  'queued',
  'succeeded',
  'failed',
  'timed-out',
  'killed',
  'lost',
  'skipped',
  'missed',
];

export const runPageSize = 50;

/** `cursor`: the start of the page. Null: the newest. */
export const runFilterIn = (parameters: URLSearchParams) => ({
  states: parameters.getAll('state'),
  job: parameters.get('job') ?? '',
  cursor: parameters.get('cursor'),
});

interface Props {
  readonly states: readonly string[];
  /** Null: the page is about one job. */
  readonly job: string | null;
  readonly onChange: (change: Change) => void;
}

export const RunFilter = ({ states: chosen, job, onChange }: Props) => (
  <div className="filter-bar">
    {job !== null && (
      <input
        type="search"
        className="input filter-text"
        aria-label="Name of the job"
        placeholder="Full name of the job"
        defaultValue={job}
        onKeyDown={(event) => event.key === 'Enter' && onChange({ job: event.currentTarget.value.trim() })}
        onBlur={(event) =>
          event.currentTarget.value.trim() !== job && onChange({ job: event.currentTarget.value.trim() })
        }
      />
    )}
    <Choices
      className="state-filter"
      name="State"
      choices={states.map((state) => [state, runWord(state)] as const)}
      isChosen={(state) => chosen.includes(state)}
      onChoose={(state) => onChange({ state: toggled<string>(chosen, state) })}
    />
  </div>
);
