/** One field of the form: its label, its input, and the server's messages about it. */

import { useId, useState } from 'react';
import { Icon } from '../parts/icon.tsx';
import { type Pair, Pairs, pairsToRecord, recordToPairs } from '../parts/pairs.tsx';
import type { Field } from './fields.ts';
import { asText, isTree } from './path.ts';

export interface FieldProblem {
  /** The path that the server uses for it. */
  readonly field: string;
  readonly detail: string;
}

interface Props {
  readonly field: Field;
  readonly value: unknown;
  /** Problems within the field. */
  readonly problems: readonly FieldProblem[];
  readonly fixed?: boolean;
  readonly onChange: (value: unknown) => void;
}

export function FieldRow({ field, value, problems, fixed = false, onChange }: Props) {
  const id = useId();
  const { label, wide, kind } = field;
  const isBeyondNames = kind === 'names' && Array.isArray(value) && value.some(isTree);
  const hint = isBeyondNames ? 'Some entries are more than a name: change them under YAML.' : field.hint;
  const described = `${id}-hint`;
  const shared = {
    id,
    'aria-describedby': described,
    'aria-invalid': problems.length > 0,
    disabled: fixed || isBeyondNames,
    placeholder: field.example,
  };
  return (
    <div className={`field ${wide === true ? 'field-wide' : ''}`}>
      {kind === 'pairs' ? <span className="label">{label}</span> : <label htmlFor={id}>{label}</label>}
      {kind === 'pairs' ? (
        <RecordInput
          value={value}
          problems={problems}
          example={field.example ?? ''}
          path={field.path}
          onChange={onChange}
        />
      ) : kind === 'choice' ? (
        <select
          {...shared}
          className="select"
          value={asText(value)}
          onChange={({ target }) => onChange(target.value || undefined)}
        >
          {field.choices?.map(([choice, text]) => (
            <option key={choice} value={choice}>
              {text}
            </option>
          ))}
        </select>
      ) : kind === 'area' || kind === 'words' ? (
        <TextArea shared={shared} kind={kind} value={value} onChange={onChange} />
      ) : (
        <TextInput shared={shared} kind={kind} value={value} onChange={onChange} />
      )}
      <div id={described}>
        {problems.length === 0 && hint !== undefined && <p className="field-hint">{hint}</p>}
        {problems.map(({ detail }) => (
          <p key={detail} className="field-error">
            <Icon name="alert" /> {detail}
          </p>
        ))}
      </div>
    </div>
  );
}

interface InputProps {
  readonly shared: Readonly<Record<string, unknown>>;
  readonly kind: Field['kind'];
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

/** Keeps the text as typed: `1.` is an unfinished number and `a, ` an unfinished list. */
function TextInput({ shared, kind, value, onChange }: InputProps) {
  const [typed, setTyped] = useState(asText(value));
  const text = sameValue(parse(kind, typed), value) ? typed : asText(value);
  return (
    <input
      {...shared}
      className={`input ${kind === 'names' ? 'mono' : ''}`}
      inputMode={kind === 'number' ? 'decimal' : undefined}
      autoComplete="off"
      spellCheck={false}
      value={text}
      onChange={({ target }) => {
        setTyped(target.value);
        onChange(parse(kind, target.value));
      }}
    />
  );
}

function TextArea({ shared, kind, value, onChange }: InputProps) {
  const text = Array.isArray(value) ? value.map(asText).join('\n') : asText(value);
  return (
    <textarea
      {...shared}
      className="textarea mono"
      rows={Math.min(16, Math.max(3, text.split('\n').length + 1))}
      spellCheck={false}
      value={text}
      onChange={({ target }) =>
        onChange(target.value === '' ? undefined : kind === 'words' ? target.value.split('\n') : target.value)
      }
    />
  );
}

/** A pair without a name is in the form but not yet in the definition. */
function parse(kind: Field['kind'], text: string): unknown {
  if (kind === 'names') return text.split(/[\s,]+/).filter((name) => name !== '');
  if (text === '') return undefined;
  if (kind === 'numbers')
    return text
      .split(/[\s,]+/)
      .filter((each) => each !== '')
      .map((each) => (/^\d+$/.test(each) ? Number(each) : each));
  return kind === 'number' && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

const sameValue = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

interface RecordProps {
  readonly value: unknown;
  readonly problems: readonly FieldProblem[];
  readonly example: string;
  readonly path: string;
  readonly onChange: (value: unknown) => void;
}

function RecordInput({ value, problems, example, path, onChange }: RecordProps) {
  const record: Readonly<Record<string, string>> = Object.fromEntries(
    Object.entries(isTree(value) ? value : {}).map(([name, each]) => [name, asText(each)]),
  );
  const [pairs, setPairs] = useState(() => recordToPairs(record));
  // A pair without a name is in the form and not yet in the definition.
  const shown = sameValue(pairsToRecord(pairs), record) ? pairs : recordToPairs(record);
  const change = (next: readonly Pair[]) => {
    setPairs(next);
    const changed = pairsToRecord(next);
    onChange(Object.keys(changed).length === 0 ? undefined : changed);
  };
  const invalid = problems.map(({ field }) => field.slice(path.length + 1));
  return <Pairs pairs={shown} nameHint={example} valueHint="value" invalid={invalid} onChange={change} />;
}
