/** Which runs are shown; kept in the address. */

import type { Change } from '../parts/query-state.ts';
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

/** `cursor`: where the page begins; null: at the newest. */
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
        placeholder="Name of the job, in full"
        defaultValue={job}
        onKeyDown={(event) => event.key === 'Enter' && onChange({ job: event.currentTarget.value.trim() })}
        onBlur={(event) =>
          event.currentTarget.value.trim() !== job && onChange({ job: event.currentTarget.value.trim() })
        }
      />
    )}
    <fieldset className="state-filter">
      <legend className="visually-hidden">State</legend>
      {states.map((state) => (
        <button
          key={state}
          type="button"
          aria-pressed={chosen.includes(state)}
          onClick={() =>
            onChange({
              state: chosen.includes(state) ? chosen.filter((each) => each !== state) : [...chosen, state],
            })
          }
        >
          {runWord(state)}
        </button>
      ))}
    </fieldset>
  </div>
);
