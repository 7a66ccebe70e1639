/** The filter of the job list. It is kept in the address, so a view can be bookmarked and shared. */

import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Choices } from '../parts/choices.tsx';
import { Icon } from '../parts/icon.tsx';
import { type Change, toggled } from '../parts/query-state.ts';
import { type JobFilter, states } from './filter.ts';

/** Typing pause before a request. */
const typingMs = 180;

interface Props {
  readonly filter: JobFilter;
  readonly onChange: (change: Change) => void;
}

export function FilterBar({ filter, onChange }: Props) {
  const { labels, owner, states: chosen } = filter;
  return (
    <div className="filter-bar">
      <TextFilter text={filter.q} onChange={(q) => onChange({ q })} />
      <LabelFilter onAdd={(label) => onChange({ label: [...new Set([...labels, label])] })} />
      <Choices
        className="state-filter"
        name="State"
        choices={states}
        isChosen={(state) => chosen.includes(state)}
        onChoose={(state) => onChange({ state: toggled(chosen, state) })}
      />
      {labels.map((label) => (
        <Chosen
          key={label}
          text={label}
          onRemove={() => onChange({ label: labels.filter((each) => each !== label) })}
        />
      ))}
      {owner !== '' && <Chosen text={`owner ${owner}`} onRemove={() => onChange({ owner: null })} />}
    </div>
  );
}

function TextFilter({
  text,
  onChange,
}: {
  readonly text: string;
  readonly onChange: (text: string) => void;
}) {
  const [typed, setTyped] = useState(text);
  const sent = useRef(text);
  // The address was changed elsewhere: by the search in the frame or the back button.
  useEffect(() => {
    if (text === sent.current) return;
    sent.current = text;
    setTyped(text);
  }, [text]);
  useEffect(() => {
    if (typed === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = typed;
      onChange(typed);
    }, typingMs);
    return () => clearTimeout(timer);
  });
  return (
    <input
      type="search"
      className="input filter-text"
      aria-label="Part of the name, description or owner"
      placeholder="Name, description or owner"
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
    />
  );
}

function LabelFilter({ onAdd }: { readonly onAdd: (label: string) => void }) {
  const [typed, setTyped] = useState('');
  const add = (event: FormEvent) => {
    event.preventDefault();
    if (typed.trim() !== '') onAdd(typed.trim());
    setTyped('');
  };
  return (
    <form onSubmit={add}>
      <input
        className="input filter-label"
        aria-label="Add a label: team or team=sales"
        placeholder="Label, team=sales"
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
    </form>
  );
}

const Chosen = ({ text, onRemove }: { readonly text: string; readonly onRemove: () => void }) => (
  <button
    type="button"
    className="chip chip-button"
    onClick={onRemove}
    aria-label={`Remove the filter ${text}`}
  >
    <span className="chip-text">{text}</span> <Icon name="close" />
  </button>
);
