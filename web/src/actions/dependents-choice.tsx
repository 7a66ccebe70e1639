/** What becomes of the jobs that wait for a job that goes. */

import type { Dependents } from './requests.ts';

const choices: readonly (readonly [Dependents, string, string])[] = [
  ['refuse', 'Keep it', 'A job that others wait for is not deleted.'],
  [
    'detach',
    'Let them go on without',
    'They no longer wait for it; one without any parent left runs by hand only.',
  ],
  ['cascade', 'Delete them too', 'With all that hangs on them.'],
];

interface Props {
  readonly value: Dependents;
  readonly onChange: (value: Dependents) => void;
}

export const DependentsChoice = ({ value, onChange }: Props) => (
  <fieldset className="choices">
    <legend className="label">What becomes of the jobs that wait for it?</legend>
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
