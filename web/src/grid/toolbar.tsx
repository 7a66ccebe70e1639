/** Controls what the grid shows, and how. Everything is kept in the address. */

import { Choices } from '../parts/choices.tsx';
import { Icon } from '../parts/icon.tsx';
import type { Address, Changes } from './address.ts';
import type { GridJob } from './sheet.ts';

interface Props {
  readonly address: Address;
  readonly jobs: readonly GridJob[];
  readonly change: (changes: Changes) => void;
}

/** A list with more choices is not useful. */
const mostChoices = 100;

export function Toolbar({ address, jobs, change }: Props) {
  const keys = [...new Set(jobs.flatMap(({ labels }) => Object.keys(labels)))].sort();
  const roots = jobs.filter(({ name, parents }) => parents.length === 0 && isParent(jobs, name));
  return (
    <div className="grid-toolbar">
      <search className="graph-search">
        <Icon name="search" />
        <input
          type="search"
          className="input"
          placeholder="Filter jobs…"
          aria-label="Filter by job name, description or owner"
          value={address.q}
          onChange={({ target }) => change({ q: target.value, skip: null })}
        />
      </search>
      {address.root !== null ? (
        <span className="graph-scope chip">
          from <b>{address.root}</b>
          <button type="button" aria-label="Show all jobs" onClick={() => change({ root: null })}>
            <Icon name="close" />
          </button>
        </span>
      ) : (
        roots.length > 0 && (
          <select
            className="select"
            aria-label="Pipeline"
            value=""
            onChange={({ target }) => change({ root: target.value, skip: null })}
          >
            <option value="">all pipelines</option>
            {roots.slice(0, mostChoices).map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        )
      )}
      <LabelChoice address={address} jobs={jobs} keys={keys} change={change} />
      {keys.length > 0 && (
        <select
          className="select"
          aria-label="Group by label"
          value={address.group ?? ''}
          onChange={({ target }) => change({ group: target.value === '' ? null : target.value })}
        >
          <option value="">no groups</option>
          {keys.map((key) => (
            <option key={key} value={key}>
              grouped by {key}
            </option>
          ))}
        </select>
      )}
      <Choices
        className="graph-switch grid-spans"
        name="Columns"
        choices={[
          ['rounds', 'Rounds'],
          ['days', 'Days'],
        ]}
        isChosen={(by) => by === address.by}
        onChoose={(by) => change({ by, selected: null })}
      />
      <Choices
        className="graph-switch"
        name="Show as"
        choices={[
          ['picture', 'Picture'],
          ['table', 'Table'],
        ]}
        isChosen={(view) => (view === 'table') === address.table}
        onChoose={(view) => change({ table: view === 'table' })}
      />
    </div>
  );
}

const isParent = (jobs: readonly GridJob[], name: string): boolean =>
  jobs.some(({ parents }) => parents.includes(name));

/** Values below the label that they belong to. */
function LabelChoice({ address, jobs, keys, change }: Props & { readonly keys: readonly string[] }) {
  if (keys.length === 0 && address.label === null) return null;
  const groups = keys.map((key) => {
    const values = new Set(jobs.flatMap(({ labels }) => labels[key] ?? []));
    return { key, values: [...values].sort().slice(0, mostChoices) };
  });
  const isKnown = groups.some(({ key, values }) =>
    values.some((value) => `${key}=${value}` === address.label),
  );
  return (
    <select
      className="select"
      aria-label="Label"
      value={address.label ?? ''}
      onChange={({ target }) => change({ label: target.value === '' ? null : target.value, skip: null })}
    >
      <option value="">all labels</option>
      {!isKnown && address.label !== null && <option value={address.label}>{address.label}</option>}
      {groups.map(({ key, values }) => (
        <optgroup key={key} label={key}>
          {values.map((value) => (
            <option key={value} value={`${key}=${value}`}>
              {value}
            </option>
          ))}
        </optgroup>
      ))}
    </select>
  );
}
