/**
 * Edits a definition, as a form or as YAML: both show the same thing, and the server judges it as one types.
 * The text is what counts while YAML is shown, so that what can't be read yet is not lost.
 */

import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { parse, stringify } from 'yaml';
import type { WireJobChange } from '../../../src/api/schema.ts';
import { tryJob, type Written } from '../actions/requests.ts';
import { useAction } from '../actions/use-action.ts';
import { problemOf } from '../data/client.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { Form, showsField } from './form.tsx';
import type { Tree } from './path.ts';
import { Plan } from './plan.tsx';
import './edit.css';

/** The server is asked once typing rests. */
const restMs = 300;

interface Props {
  readonly initial: Tree;
  /** The job exists: its name stays. */
  readonly named: boolean;
  readonly doing: string;
  readonly onSave: (written: Written) => Promise<WireJobChange>;
  readonly onSaved: (job: WireJobChange) => void;
  /** Said above the form: the job was changed by others meanwhile. */
  readonly children?: ReactNode;
}

export function Editor({ initial, named, doing, onSave, onSaved, children }: Props) {
  const [parameters, change] = useQueryState();
  const asYaml = parameters.get('as') === 'yaml';
  const [definition, setDefinition] = useState(initial);
  const [text, setText] = useState(() => stringify(initial));
  const readable = asYaml ? read(text) : definition;
  const written: Written = asYaml ? { yaml: text } : { body: definition };
  const settled = useSettled(JSON.stringify(written));
  const verdict = useQuery({
    queryKey: ['plan', settled],
    queryFn: () => tryJob(JSON.parse(settled) as Written),
    placeholderData: (before) => before,
    gcTime: 0,
  });
  const save = useAction({
    run: () => onSave(written),
    said: ({ name, outcome, revision }) => ({
      tone: 'good',
      text:
        outcome === 'unchanged'
          ? `${name} was like this already.`
          : `${name} is ${outcome}; this is revision ${revision}.`,
    }),
    onDone: onSaved,
  });
  const refused = verdict.data?.results[0]?.problem ?? (save.error === null ? null : problemOf(save.error));
  // Nobody has got a field wrong that nobody has filled in yet.
  const unnamed = readable !== null && (readable.name === '' || readable.name === undefined);
  const problem =
    unnamed || refused?.field === undefined ? null : { field: refused.field, detail: refused.detail };
  const choose = (as: 'form' | 'yaml') => {
    if (as === 'yaml') setText(stringify(definition));
    else if (readable !== null) setDefinition(readable);
    change({ as: as === 'yaml' ? 'yaml' : null });
  };
  return (
    <div className="editor">
      <div className="editor-main">
        {children}
        <fieldset className="segments editor-as">
          <legend className="visually-hidden">Edit as</legend>
          <button
            type="button"
            aria-pressed={!asYaml}
            disabled={readable === null}
            onClick={() => choose('form')}
          >
            Form
          </button>
          <button type="button" aria-pressed={asYaml} onClick={() => choose('yaml')}>
            YAML
          </button>
        </fieldset>
        {asYaml ? (
          <textarea
            className="textarea mono yaml"
            aria-label="The definition as YAML"
            aria-invalid={verdict.error !== null || refused !== null}
            spellCheck={false}
            rows={Math.max(24, text.split('\n').length + 2)}
            value={text}
            onChange={({ target }) => setText(target.value)}
          />
        ) : (
          <Form definition={definition} problem={problem} named={named} onChange={setDefinition} />
        )}
      </div>
      <div className="editor-side">
        <Plan
          verdict={verdict.data ?? null}
          error={verdict.error}
          unnamed={unnamed}
          definition={readable ?? definition}
        />
        {save.error !== null && (problem === null || !showsField(problem.field)) && (
          <ProblemNote error={save.error} />
        )}
        <button
          type="button"
          className="button button-primary"
          disabled={save.isPending || verdict.error !== null || (verdict.data?.counts.refused ?? 0) > 0}
          onClick={() => save.mutate()}
        >
          {save.isPending ? 'Saving …' : doing}
        </button>
      </div>
    </div>
  );
}

/** Null while it can't be read as one definition. */
function read(text: string): Tree | null {
  try {
    const value: unknown = parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : null;
  } catch {
    return null;
  }
}

/** The value once it has rested. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), restMs);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
