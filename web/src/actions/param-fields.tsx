/** The parameters that a job declares, as inputs. What is allowed, the server says: its messages stand at the inputs. */

import { useId } from 'react';
import type { WireJob } from '../../../src/api/wire/schema.ts';
import { problemOf } from '../data/client.ts';
import { Icon } from '../parts/icon.tsx';

export type Declared = NonNullable<WireJob['definition']['params']>;
type Param = Declared[string];

/** As typed. An empty text is not given. */
export type Typed = Readonly<Record<string, string>>;

export const givenIn = (typed: Typed): Record<string, string> =>
  Object.fromEntries(Object.entries(typed).filter(([, text]) => text !== ''));

/** The server's messages by name of the parameter. */
export function paramProblems(error: unknown): ReadonlyMap<string, string> {
  if (error === null || error === undefined) return new Map();
  const { field, detail, ...problem } = problemOf(error);
  const others = 'others' in problem ? (problem.others ?? []) : [];
  return new Map(
    [{ field, detail }, ...others].flatMap(({ field: at, detail: message }) =>
      at?.startsWith('params.') === true ? [[at.slice('params.'.length), message] as const] : [],
    ),
  );
}

interface Props {
  readonly declared: Declared;
  readonly typed: Typed;
  readonly problems: ReadonlyMap<string, string>;
  readonly onChange: (typed: Typed) => void;
}

export function ParamFields({ declared, typed, problems, onChange }: Props) {
  return (
    <fieldset className="field params">
      <legend className="label">Parameters</legend>
      {Object.entries(declared).map(([name, param]) => (
        <ParamField
          key={name}
          name={name}
          param={param}
          text={typed[name] ?? ''}
          problem={problems.get(name) ?? null}
          onChange={(text) => onChange({ ...typed, [name]: text })}
        />
      ))}
    </fieldset>
  );
}

interface FieldProps {
  readonly name: string;
  readonly param: Param;
  readonly text: string;
  readonly problem: string | null;
  readonly onChange: (text: string) => void;
}

function ParamField({ name, param, text, problem, onChange }: FieldProps) {
  const id = useId();
  const hint = hintOf(param);
  const choices = param.type === 'boolean' ? ['true', 'false'] : param.values?.map(String);
  const shared = {
    id,
    value: text,
    'aria-required': isRequired(param),
    'aria-invalid': problem !== null,
    'aria-describedby': `${id}-hint`,
  };
  return (
    <div className="field">
      <label htmlFor={id}>
        {name}
        {isRequired(param) && <span aria-hidden="true"> *</span>}
      </label>
      {choices !== undefined ? (
        <select {...shared} className="select" onChange={({ target }) => onChange(target.value)}>
          <option value="">{param.default === undefined ? 'No value' : `Default: ${param.default}`}</option>
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      ) : (
        <input
          {...shared}
          className={`input ${param.type === 'secret' ? 'mono' : ''}`}
          {...inputOf(param)}
          placeholder={param.default === undefined ? examples[param.type ?? 'string'] : String(param.default)}
          autoComplete="off"
          spellCheck={false}
          onChange={({ target }) => onChange(target.value)}
        />
      )}
      <div id={`${id}-hint`}>
        {hint !== '' && <p className="field-hint">{hint}</p>}
        {problem !== null && (
          <p className="field-error">
            <Icon name="alert" /> {problem}
          </p>
        )}
      </div>
    </div>
  );
}

const isRequired = ({ required = false, default: otherwise }: Param): boolean =>
  required && otherwise === undefined;

const examples: Readonly<Record<string, string>> = {
  duration: 'PT1H',
  secret: 'file:/run/secrets/token',
};

function inputOf({ type }: Param): {
  readonly type?: string;
  readonly step?: number;
  readonly inputMode?: 'decimal';
} {
  if (type === 'date') return { type: 'date' };
  if (type === 'time') return { type: 'time', step: 1 };
  return type === 'integer' || type === 'number' ? { inputMode: 'decimal' } : {};
}

function hintOf({ type, description = '', minimum, maximum, default: otherwise, values }: Param): string {
  const bounds =
    minimum !== undefined && maximum !== undefined
      ? `From ${minimum} to ${maximum}.`
      : minimum !== undefined
        ? `${minimum} or more.`
        : maximum !== undefined
          ? `At most ${maximum}.`
          : '';
  const secret = type === 'secret' ? 'A reference to a secret, not the secret itself.' : '';
  const usual =
    otherwise === undefined || type === 'boolean' || values !== undefined ? '' : `Default: ${otherwise}.`;
  return [description === '' ? '' : `${description.replace(/\.$/, '')}.`, bounds, secret, usual]
    .filter((each) => each !== '')
    .join(' ');
}
