/** One role of a new token, with its scope and the rights beside it. */

import { useId } from 'react';
import type { WireBinding } from '../../../src/api/wire/access.ts';
import { bindingWords, type Grant, grantWords, type Role, roleHints } from '../access/words.ts';
import type { problemOf } from '../data/client.ts';
import { toggled } from '../parts/query-state.ts';

const roles = Object.keys(roleHints) as Role[];
/** What the role alone does not have. */
const grantsBeside: Readonly<Record<Role, readonly Grant[]>> = {
  viewer: ['logs', 'env', 'secrets'],
  operator: ['env', 'secrets'],
  editor: [],
  admin: [],
};

export interface TypedBinding {
  readonly key: number;
  readonly role: Role;
  readonly grants: readonly Grant[];
  readonly jobs: string;
  /** `team=sales, tier=1`. */
  readonly labels: string;
}

export const emptyScope = { grants: [], jobs: '', labels: '' } as const;

/** An administrator is one of everything. */
export function toBinding({ role, grants, jobs, labels }: TypedBinding): WireBinding {
  const beside = grants.filter((grant) => grantsBeside[role].includes(grant));
  const pairs = labels
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [key = '', ...value] = pair.split('=');
      return [key.trim(), value.join('=').trim()] as const;
    });
  const isScoped = role !== 'admin';
  return {
    role,
    ...(beside.length > 0 && { grants: beside }),
    ...(isScoped && jobs.trim() !== '' && { jobs: jobs.trim() }),
    ...(isScoped && pairs.length > 0 && { labels: Object.fromEntries(pairs) }),
  };
}

interface Props {
  readonly binding: TypedBinding;
  /** Null: it is the only one. */
  readonly number: number | null;
  readonly problem: ReturnType<typeof problemOf> | null;
  readonly onChange: (binding: TypedBinding) => void;
  /** Null: a token has at least one. */
  readonly onRemove: (() => void) | null;
}

export function BindingFields({ binding, number, problem, onChange, onRemove }: Props) {
  const id = useId();
  const { role, grants, jobs, labels } = binding;
  const isScoped = role !== 'admin';
  const isWrong = (part: string): boolean => problem?.field?.includes(part) === true;
  return (
    <fieldset className="binding">
      <legend className="label">{number === null ? 'Role' : `Role ${number}`}</legend>
      <div className="field">
        <select
          className="select"
          aria-label={number === null ? 'Role' : `Role ${number}`}
          value={role}
          onChange={({ target }) => onChange({ ...binding, role: target.value as Role })}
        >
          {roles.map((each) => (
            <option key={each} value={each}>
              {each}: {roleHints[each]}
            </option>
          ))}
        </select>
      </div>
      {isScoped && (
        <div className="binding-scope">
          <div className="field">
            <label htmlFor={`${id}-jobs`}>Jobs</label>
            <input
              id={`${id}-jobs`}
              className="input"
              placeholder="all, or sales-*"
              maxLength={128}
              aria-invalid={isWrong('jobs')}
              value={jobs}
              onChange={({ target }) => onChange({ ...binding, jobs: target.value })}
            />
          </div>
          <div className="field">
            <label htmlFor={`${id}-labels`}>Labels</label>
            <input
              id={`${id}-labels`}
              className="input"
              placeholder="any, or team=sales"
              aria-invalid={isWrong('labels')}
              value={labels}
              onChange={({ target }) => onChange({ ...binding, labels: target.value })}
            />
          </div>
        </div>
      )}
      {grantsBeside[role].length > 0 && (
        <div className="binding-grants">
          {grantsBeside[role].map((grant) => (
            <label key={grant} className="choice">
              <input
                type="checkbox"
                checked={grants.includes(grant)}
                onChange={() => onChange({ ...binding, grants: toggled(grants, grant) })}
              />
              <span>Also the {grantWords[grant]}</span>
            </label>
          ))}
        </div>
      )}
      <p className="field-hint" role="status">
        It is {bindingWords(toBinding(binding))}.{' '}
        {onRemove !== null && (
          <button type="button" className="link" onClick={onRemove}>
            Remove this role
          </button>
        )}
      </p>
    </fieldset>
  );
}
