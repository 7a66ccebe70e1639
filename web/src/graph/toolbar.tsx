/**
 * Controls what is shown, and how: search, filters, groups, picture or table. Everything is kept in the
 * address.
 */

import type { WireGraphNode } from '../../../src/api/wire/views.ts';
import { Choices } from '../parts/choices.tsx';
import { Icon } from '../parts/icon.tsx';
import { dateTime } from '../parts/time.ts';
import type { Address, Changes } from './address.ts';

interface ToolbarProps {
  readonly address: Address;
  readonly nodes: readonly WireGraphNode[];
  readonly change: (changes: Changes) => void;
  /** `2 of 14`, or empty. */
  readonly found: string;
  readonly onNext: () => void;
}

/** A list with more choices is not useful. */
const mostChoices = 200;

export function Toolbar({ address, nodes, change, found, onNext }: ToolbarProps) {
  const labels = labelsOf(nodes, address.label);
  const owners = choices(
    nodes.flatMap(({ owner }) => owner ?? []),
    address.owner,
  );
  const keys = choices(
    nodes.flatMap((node) => Object.keys(node.labels)),
    address.group,
  );
  return (
    <div className="graph-toolbar">
      <search className="graph-search">
        <Icon name="search" />
        <input
          type="search"
          className="input"
          placeholder="Find in the graph"
          aria-label="Find a job in the graph; Enter goes to the next match"
          value={address.search}
          onChange={({ target }) => change({ search: target.value })}
          onKeyDown={({ key }) => key === 'Enter' && onNext()}
        />
        <output>{found}</output>
      </search>
      {address.job !== null && <Scope address={address} job={address.job} change={change} />}
      <Choice
        name="Label"
        all="all labels"
        options={labels}
        value={address.label}
        onChange={(label) => change({ label })}
      />
      <Choice
        name="Owner"
        all="all owners"
        options={owners}
        value={address.owner}
        onChange={(owner) => change({ owner })}
      />
      <Choice
        name="Group by label"
        all="no groups"
        options={keys}
        value={address.group}
        text={(key) => `grouped by ${key}`}
        onChange={(group) => change({ group, open: [] })}
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

interface ScopeProps {
  readonly address: Address;
  readonly job: string;
  readonly change: (changes: Changes) => void;
}

function Scope({ address, job, change }: ScopeProps) {
  return (
    <span className="graph-scope chip">
      around <b>{job}</b>
      {address.round !== null && (
        <button type="button" title="Show it as it stands now" onClick={() => change({ round: null })}>
          in the round of {dateTime(Date.parse(address.round)).slice(0, 16)} <Icon name="close" />
        </button>
      )}
      <select
        aria-label="Maximum distance from the job"
        value={address.depth ?? ''}
        onChange={({ target }) => change({ depth: target.value === '' ? null : Number(target.value) })}
      >
        <option value="1">1 step</option>
        <option value="2">2 steps</option>
        <option value="3">3 steps</option>
        <option value="">all</option>
      </select>
      <button
        type="button"
        aria-label="Show all jobs"
        onClick={() => change({ job: null, depth: null, round: null })}
      >
        <Icon name="close" />
      </button>
    </span>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly all: string;
  readonly options: readonly string[];
  readonly value: string | null;
  readonly text?: (option: string) => string;
  readonly onChange: (value: string | null) => void;
}

function Choice({ name, all, options, value, text = (option) => option, onChange }: ChoiceProps) {
  if (options.length === 0) return null;
  return (
    <select
      className="select"
      aria-label={name}
      value={value ?? ''}
      onChange={({ target }) => onChange(target.value === '' ? null : target.value)}
    >
      <option value="">{all}</option>
      {options.map((option) => (
        <option key={option} value={option}>
          {text(option)}
        </option>
      ))}
    </select>
  );
}

const labelsOf = (nodes: readonly WireGraphNode[], chosen: string | null): string[] =>
  choices(
    nodes.flatMap(({ labels }) => Object.entries(labels).map(([key, value]) => `${key}=${value}`)),
    chosen,
  );

/** The most frequent ones, sorted; the selected one is always among them. */
function choices(all: readonly string[], chosen: string | null): string[] {
  const counts = new Map<string, number>();
  for (const each of all) counts.set(each, (counts.get(each) ?? 0) + 1);
  const frequent = [...counts].sort(([, a], [, b]) => b - a).slice(0, mostChoices);
  const names = new Set(frequent.map(([name]) => name));
  if (chosen !== null) names.add(chosen);
  return [...names].sort();
}
