/** Creates a token: its name, its roles with their scopes, and when it ends. */

import { useId, useState } from 'react';
import type { WireBinding, WireNewToken } from '../../../src/api/wire/access.ts';
import { createToken } from '../actions/requests.ts';
import { useAction } from '../actions/use-action.ts';
import { problemOf } from '../data/client.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Icon } from '../parts/icon.tsx';
import { BindingFields, emptyScope, type TypedBinding, toBinding } from './binding-fields.tsx';

const dayMs = 86_400_000;
/** Null: never. */
const lives: readonly (readonly [days: number | null, label: string])[] = [
  [7, '7 days'],
  [30, '30 days'],
  [90, '90 days'],
  [365, '1 year'],
  [null, 'Never'],
];
const mostBindings = 20;

interface Props {
  readonly onClose: () => void;
  readonly onMade: (token: WireNewToken) => void;
}

export function CreateDialog({ onClose, onMade }: Props) {
  const id = useId();
  const [name, setName] = useState('');
  const [days, setDays] = useState<number | null>(90);
  const [typed, setTyped] = useState<readonly TypedBinding[]>([{ key: 0, role: 'viewer', ...emptyScope }]);
  const create = useAction({
    run: () =>
      createToken({
        name: name.trim(),
        bindings: typed.map(toBinding) satisfies WireBinding[],
        ...(days !== null && { expiresAt: new Date(Date.now() + days * dayMs).toISOString() }),
      }),
    said: () => ({ tone: 'good', text: `The token ${name.trim()} is created.` }),
    onDone: onMade,
  });
  const problem = create.error === null ? null : problemOf(create.error);
  const change = (changed: TypedBinding) =>
    setTyped(typed.map((each) => (each.key === changed.key ? changed : each)));
  return (
    <Dialog
      title="Create a token"
      doing="Create"
      ready={name.trim() !== ''}
      busy={create.isPending}
      error={create.error}
      onDo={() => create.mutate()}
      onClose={onClose}
    >
      <div className="field">
        <label htmlFor={`${id}-name`}>Name</label>
        <input
          id={`${id}-name`}
          className="input"
          required
          maxLength={128}
          autoComplete="off"
          placeholder="nightly deployment"
          aria-invalid={problem?.field === 'name' || problem?.code === 'TOKEN_EXISTS'}
          value={name}
          onChange={({ target }) => setName(target.value)}
        />
        <p className="field-hint">What uses it. Names are unique, and the audit shows them.</p>
      </div>
      {typed.map((binding, place) => (
        <BindingFields
          key={binding.key}
          binding={binding}
          number={typed.length === 1 ? null : place + 1}
          problem={problem}
          onChange={change}
          onRemove={
            typed.length === 1 ? null : () => setTyped(typed.filter(({ key }) => key !== binding.key))
          }
        />
      ))}
      {typed.length < mostBindings && (
        <button
          type="button"
          className="link another-role"
          onClick={() =>
            setTyped([
              ...typed,
              { key: Math.max(...typed.map(({ key }) => key)) + 1, role: 'viewer', ...emptyScope },
            ])
          }
        >
          <Icon name="plus" /> Another role
        </button>
      )}
      <div className="field">
        <label htmlFor={`${id}-life`}>Expires after</label>
        <select
          id={`${id}-life`}
          className="select"
          value={days ?? ''}
          onChange={({ target }) => setDays(target.value === '' ? null : Number(target.value))}
        >
          {lives.map(([value, label]) => (
            <option key={label} value={value ?? ''}>
              {label}
            </option>
          ))}
        </select>
        {days === null && <p className="field-hint">Without an end, it works until somebody revokes it.</p>}
      </div>
    </Dialog>
  );
}
