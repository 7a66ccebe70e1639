/** The filter of the audit: who, what, on what, when, and whether it was refused. */

import { useId } from 'react';
import { Choices } from '../parts/choices.tsx';
import type { Change } from '../parts/query-state.ts';
import { calendarDay, clockTime } from '../parts/time.ts';
import type { AuditFilter as Filter } from './filter.ts';
import { actionWords } from './words.ts';

interface Props {
  readonly filter: Filter;
  readonly onChange: (change: Change) => void;
}

export const AuditFilter = ({ filter, onChange }: Props) => (
  <div className="filter-bar audit-filter">
    <TextFilter label="Who" hint="Name" value={filter.by} onChange={(by) => onChange({ by })} />
    <label className="audit-field">
      <span>What</span>
      <select
        className="select"
        value={filter.action ?? ''}
        onChange={({ target }) => onChange({ action: target.value })}
      >
        <option value="">Everything</option>
        {Object.entries(actionWords).map(([action, word]) => (
          <option key={action} value={action}>
            {word}
          </option>
        ))}
      </select>
    </label>
    <TextFilter
      label="On what"
      hint="Job, run, token or address"
      value={filter.on}
      onChange={(on) => onChange({ on })}
    />
    <TimeFilter label="From" value={filter.from} onChange={(from) => onChange({ from })} />
    <TimeFilter label="Until" value={filter.to} onChange={(to) => onChange({ to })} />
    <Choices
      className="state-filter"
      name="Outcome"
      choices={[['refused', 'Refused only']]}
      isChosen={(outcome) => filter.outcome === outcome}
      onChoose={(outcome) => onChange({ outcome: filter.outcome === outcome ? null : outcome })}
    />
  </div>
);

interface FieldProps {
  readonly label: string;
  readonly value: string | null;
  readonly onChange: (value: string | null) => void;
}

/** Whole names: what was typed counts once the user has finished. */
function TextFilter({ label, hint, value, onChange }: FieldProps & { readonly hint: string }) {
  const id = useId();
  const settle = (text: string) => text.trim() !== (value ?? '') && onChange(text.trim());
  return (
    <div className="audit-field">
      <label htmlFor={id}>{label}</label>
      <input
        key={value}
        id={id}
        type="search"
        className="input"
        placeholder={hint}
        defaultValue={value ?? ''}
        onKeyDown={({ key, currentTarget }) => key === 'Enter' && settle(currentTarget.value)}
        onBlur={({ currentTarget }) => settle(currentTarget.value)}
      />
    </div>
  );
}

/** In the viewer's zone, to the minute. */
function TimeFilter({ label, value, onChange }: FieldProps) {
  const id = useId();
  const settle = (text: string) => {
    const at = Date.parse(text);
    if (text === '') onChange(null);
    else if (!Number.isNaN(at)) onChange(new Date(at).toISOString());
  };
  return (
    <div className="audit-field">
      <label htmlFor={id}>{label}</label>
      <input
        key={value}
        id={id}
        type="datetime-local"
        className="input"
        defaultValue={value === null ? '' : localTime(Date.parse(value))}
        onBlur={({ currentTarget }) =>
          currentTarget.value !== (value === null ? '' : localTime(Date.parse(value))) &&
          settle(currentTarget.value)
        }
        onKeyDown={({ key, currentTarget }) => key === 'Enter' && settle(currentTarget.value)}
      />
    </div>
  );
}

const localTime = (ms: number): string => `${calendarDay(ms)}T${clockTime(ms).slice(0, 5)}`;
