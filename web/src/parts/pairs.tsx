/** Names with values, one pair per row: parameters, environment variables, labels. */

import { Icon } from './icon.tsx';

export interface Pair {
  readonly key: number;
  readonly name: string;
  readonly value: string;
}

export const recordToPairs = (record: Readonly<Record<string, string>> = {}): readonly Pair[] =>
  Object.entries(record).map(([name, value], key) => ({ key, name, value }));

/** Pairs without a name are left out. */
export const pairsToRecord = (pairs: readonly Pair[]): Record<string, string> =>
  Object.fromEntries(pairs.filter(({ name }) => name !== '').map(({ name, value }) => [name, value]));

interface Props {
  readonly pairs: readonly Pair[];
  readonly nameHint: string;
  readonly valueHint: string;
  /** Names that the server rejected. */
  readonly invalid?: readonly string[];
  readonly onChange: (pairs: readonly Pair[]) => void;
}

export function Pairs({ pairs, nameHint, valueHint, invalid = [], onChange }: Props) {
  const set = (key: number, change: Partial<Pair>) =>
    onChange(pairs.map((pair) => (pair.key === key ? { ...pair, ...change } : pair)));
  const add = () =>
    onChange([...pairs, { key: 1 + Math.max(0, ...pairs.map(({ key }) => key)), name: '', value: '' }]);
  return (
    <div className="pairs">
      {pairs.map(({ key, name, value }) => (
        <div key={key} className="pair">
          <input
            className="input mono"
            aria-label="Name"
            placeholder={nameHint}
            value={name}
            aria-invalid={invalid.includes(name)}
            onChange={(event) => set(key, { name: event.target.value })}
          />
          <input
            className="input mono"
            aria-label={`Value of ${name}`}
            placeholder={valueHint}
            value={value}
            onChange={(event) => set(key, { value: event.target.value })}
          />
          <button
            type="button"
            className="icon-button"
            aria-label={`Remove ${name}`}
            onClick={() => onChange(pairs.filter((pair) => pair.key !== key))}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
      <button type="button" className="button button-small" onClick={add}>
        <Icon name="plus" /> Add
      </button>
    </div>
  );
}
