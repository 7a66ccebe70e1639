/**
 * Edits a definition as a form or as YAML. Both show the same definition, which the server validates while
 * the user types. While YAML is shown, the text is the source of truth, so that invalid text is not lost.
 */

import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { parse, stringify } from 'yaml';
import type { WireJobChange } from '../../../src/api/wire/schema.ts';
import { tryJob, type Written } from '../actions/requests.ts';
import { useAction } from '../actions/use-action.ts';
import { problemOf } from '../data/client.ts';
import { ErrorBoundary } from '../frame/error-boundary.tsx';
import { noteSaved, useUnsaved } from '../frame/leaving.tsx';
import { Instant } from '../parts/instant.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { type Draft, keepDraft } from './draft.ts';
import type { FieldProblem } from './field-row.tsx';
import { Form, showsField } from './form.tsx';
import { isTree, type Tree, valueAt } from './path.ts';
import { Plan } from './plan.tsx';
import './edit.css';

/** Typing pause before the server is asked. */
const restMs = 300;

/** Longer definitions are edited as text only: parsing them on every keystroke takes too long. */
const mostCharacters = 50_000;

interface Props {
  /** Identifies the editor, see `readDraft`. */
  readonly place: string;
  readonly initial: Tree;
  /** Revision of `initial`. Null for a new job. */
  readonly revision: number | null;
  /** Unsaved edits of `initial` to continue. */
  readonly draft: Draft | null;
  /** Starts again with the stored definition. */
  readonly onDiscard: () => void;
  /** Paths in `initial` whose values the user may not see. Something else stands there. */
  readonly hidden: readonly string[];
  /** The job exists, so its name is fixed. */
  readonly named: boolean;
  readonly doing: string;
  readonly onSave: (written: Written) => Promise<WireJobChange>;
  readonly onSaved: (job: WireJobChange) => void;
  /** Shown above the form: another user has changed the job. */
  readonly children?: ReactNode;
}

export function Editor(props: Props) {
  const { place, initial, revision, draft, hidden, named, doing, onSave, onSaved, onDiscard, children } =
    props;
  const { asYaml, definition, setDefinition, text, readable, setText, choose } = useTyped(initial, draft);
  const written: Written = asYaml ? { yaml: text } : { body: definition };
  const whole = JSON.stringify(written);
  const settled = useSettled(whole);
  const dirty = asYaml ? text !== stringify(initial) : JSON.stringify(definition) !== JSON.stringify(initial);
  useEffect(() => {
    const as = asYaml ? 'yaml' : 'form';
    keepDraft(place, dirty ? { at: Date.now(), initial, revision, as, definition, text } : null);
  }, [place, dirty, initial, revision, asYaml, definition, text]);
  useUnsaved(dirty, onDiscard);
  const verdict = useQuery({
    queryKey: ['plan', settled],
    queryFn: async () => ({ of: settled, answer: await tryJob(JSON.parse(settled) as Written) }),
    placeholderData: (before) => before,
    gcTime: 0,
  });
  const save = useAction({
    run: () => onSave(written),
    said: ({ name, outcome, revision }) => ({
      tone: 'good',
      text:
        outcome === 'unchanged'
          ? `${name} was already up to date.`
          : `${name} is ${outcome}; this is revision ${revision}.`,
    }),
    onDone: (job) => {
      noteSaved();
      keepDraft(place, null);
      onSaved(job);
    },
  });
  const { of, answer } = verdict.data ?? { of: null, answer: null };
  const refused = answer?.results[0]?.problem ?? (save.error === null ? null : problemOf(save.error));
  // The definition that was validated; the user may have typed more since.
  const judged =
    useMemo(() => (of === null ? null : definitionIn(JSON.parse(of) as Written)), [of]) ?? readable;
  const unnamed = judged !== null && !isFilled(judged, 'name');
  // In a new job, empty fields are not marked as wrong before the user has filled them in.
  const problems = problemsIn(refused).filter(({ field }) => !unnamed || isFilled(judged, field));
  // Also what was typed since: nothing may be saved under another name before it is validated.
  const own = ownProblems({ initial, judged, readable: readable ?? definition, named, hidden });
  problems.push(...own.filter(({ field }) => !problems.some((problem) => problem.field === field)));
  const marked = asYaml ? [] : problems.filter(({ field }) => showsField(field));
  return (
    <div className="editor">
      <div className="editor-main">
        {children}
        {draft !== null && dirty && <Kept draft={draft} onDiscard={onDiscard} />}
        <ViewChoice asYaml={asYaml} mayShowForm={readable !== null} onChoose={choose} />
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
          <ErrorBoundary of={whole} instead={(message) => <Unshown what="the form" message={message} />}>
            <Form definition={definition} problems={marked} named={named} onChange={setDefinition} />
          </ErrorBoundary>
        )}
      </div>
      <div className="editor-side">
        <ErrorBoundary of={whole} instead={(message) => <Unshown what="the preview" message={message} />}>
          <Plan
            verdict={answer}
            problems={verdict.error !== null ? problemsIn(problemOf(verdict.error)) : problems}
            marked={marked}
            unnamed={unnamed}
            definition={readable ?? definition}
          />
        </ErrorBoundary>
        {save.error !== null && marked.length === 0 && <ProblemNote error={save.error} />}
        <button
          type="button"
          className="button button-primary"
          disabled={
            save.isPending || verdict.error !== null || own.length > 0 || (answer?.counts.refused ?? 0) > 0
          }
          onClick={() => save.mutate()}
        >
          {save.isPending ? 'Saving …' : doing}
        </button>
      </div>
    </div>
  );
}

interface ViewProps {
  readonly asYaml: boolean;
  readonly mayShowForm: boolean;
  readonly onChoose: (as: 'form' | 'yaml') => void;
}

const ViewChoice = ({ asYaml, mayShowForm, onChoose }: ViewProps) => (
  <fieldset className="segments editor-as">
    <legend className="visually-hidden">Edit as</legend>
    <button type="button" aria-pressed={!asYaml} disabled={!mayShowForm} onClick={() => onChoose('form')}>
      Form
    </button>
    <button type="button" aria-pressed={asYaml} onClick={() => onChoose('yaml')}>
      YAML
    </button>
  </fieldset>
);

interface Owned extends Pick<Props, 'initial' | 'named' | 'hidden'> {
  /** The definition that the server validated. */
  readonly judged: Tree | null;
  /** What was typed since. */
  readonly readable: Tree;
}

/** What the server cannot know: with these, nothing is saved. */
function ownProblems({ initial, judged, readable, named, hidden }: Owned): FieldProblem[] {
  const renamed = named && (isRenamed(judged, initial) || isRenamed(readable, initial));
  const unseen = hidden.filter((path) => isSame(readable, initial, path));
  return [
    ...(renamed ? [{ field: 'name', detail: keepsItsName(initial.name) }] : []),
    ...unseen.map((field) => ({ field, detail: unseenAt(field) })),
  ];
}

const isRenamed = (definition: Tree | null, { name }: Tree): boolean =>
  definition !== null && isFilled(definition, 'name') && definition.name !== name;

const keepsItsName = (name: unknown): string =>
  `The name of a job, ${name}, cannot change. To create another job, duplicate this one.`;

const isSame = (definition: Tree, initial: Tree, path: string): boolean =>
  JSON.stringify(valueAt(definition, path)) === JSON.stringify(valueAt(initial, path));

const unseenAt = (path: string): string =>
  `You may not see ${path}, so *** stands there. Enter a value of your own, or remove it.`;

const definitionIn = (written: Written): Tree | null =>
  'yaml' in written ? readYaml(written.yaml) : isTree(written.body) ? written.body : null;

/** All problems. */
function problemsIn(refused: ReturnType<typeof problemOf> | null): readonly FieldProblem[] {
  if (refused === null) return [];
  return [refused, ...(refused.others ?? [])].map(({ field = '', detail }) => ({ field, detail }));
}

function isFilled(definition: Tree, field: string): boolean {
  const value = valueAt(definition, field);
  return value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0);
}

/** The edited definition, in the view that the address selects. */
function useTyped(initial: Tree, draft: Draft | null) {
  const [parameters, change] = useQueryState();
  const asYaml = parameters.get('as') === 'yaml';
  const [definition, setDefinition] = useState(draft?.definition ?? initial);
  const [text, setText] = useState(() =>
    draft?.as === 'yaml' ? draft.text : stringify(draft?.definition ?? initial),
  );
  const read = useMemo(() => (asYaml ? readYaml(text) : null), [asYaml, text]);
  const readable = asYaml ? read : definition;
  // A text may be one that the form cannot show.
  const wanted = draft?.as === 'yaml';
  useEffect(() => {
    if (wanted) change({ as: 'yaml' });
  }, [wanted, change]);
  const choose = (as: 'form' | 'yaml') => {
    if (as === 'yaml') {
      // Keeps the text as typed, with its comments, unless the form has changed its content.
      if (JSON.stringify(readYaml(text)) !== JSON.stringify(definition)) setText(stringify(definition));
    } else if (readable !== null) setDefinition(readable);
    change({ as: as === 'yaml' ? 'yaml' : null });
  };
  return { asYaml, definition, setDefinition, text, setText, readable, choose };
}

/** Null if the text is not one valid definition. */
function readYaml(text: string): Tree | null {
  if (text.length > mostCharacters) return null;
  try {
    // YAML has sets, dates and cycles; a definition can contain only JSON.
    const value: unknown = JSON.parse(JSON.stringify(parse(text)));
    return isTree(value) ? value : null;
  } catch {
    return null;
  }
}

const Kept = ({ draft, onDiscard }: { readonly draft: Draft; readonly onDiscard: () => void }) => (
  <div className="callout callout-late outdated" role="status">
    <p>
      These are your unsaved edits of <Instant at={new Date(draft.at).toISOString()} />.
    </p>
    <button type="button" className="button button-small" onClick={onDiscard}>
      Discard them
    </button>
  </div>
);

const Unshown = ({ what, message }: { readonly what: string; readonly message: string }) => (
  <p className="callout callout-fail">
    This definition cannot be shown in {what}. Edit it as YAML. <code>{message}</code>
  </p>
);

/** Returns the value after it has stopped changing. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), restMs);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
