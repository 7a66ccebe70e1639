/** Asks what happens to the jobs that depend on a deleted job. */

import type { Dependents } from './requests.ts';

const choices: readonly (readonly [Dependents, string, string])[] = [
  ['refuse', 'Keep the job', 'A job that other jobs depend on is not deleted.'],
  [
    'detach',
    'Detach them',
    'They no longer wait for this job. A job left without parents runs only when triggered.',
  ],
  ['cascade', 'Delete them too', 'With all their downstream jobs.'],
];

interface Props {
  readonly value: Dependents;
  readonly onChange: (value: Dependents) => void;
}

export const DependentsChoice = ({ value, onChange }: Props) => (
  <fieldset className="choices">
    <legend className="label">What should happen to dependent jobs?</legend>
    {choices.map(([choice, text, hint]) => (
      <label key={choice} className="choice">
        <input type="radio" name="dependents" checked={value === choice} onChange={() => onChange(choice)} />
        <span>
          {text} <small>{hint}</small>
        </span>
      </label>
    ))}
  </fieldset>
);
