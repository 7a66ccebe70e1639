/** A definition as a form. */

import { type ReactNode, useRef, useState } from 'react';
import { type FieldProblem, FieldRow } from './field-row.tsx';
import {
  type Field,
  identity,
  type ScheduleKind,
  type Section,
  scheduleFields,
  sections,
  shownPaths,
} from './fields.ts';
import { leaves, type Tree, valueAt, withValue } from './path.ts';
import { templates } from './templates.ts';

interface Props {
  readonly definition: Tree;
  /** Problems at fields that the form shows. */
  readonly problems: readonly FieldProblem[];
  /** The job exists, so its name is fixed. */
  readonly named: boolean;
  readonly onChange: (definition: Tree) => void;
}

export function Form({ definition, problems, named, onChange }: Props) {
  const kind = kindOf(definition);
  const left = useRef(new Map<ScheduleKind, unknown>());
  const choose = (next: ScheduleKind) => {
    left.current.set(kind, valueAt(definition, 'schedule'));
    onChange(withKind(definition, next, left.current.get(next)));
  };
  const row = (field: Field) => (
    <FieldRow
      key={field.path}
      field={field}
      value={valueAt(definition, field.path)}
      problems={problems.filter((problem) => concerns(problem, field))}
      fixed={named && field.path === 'name'}
      onChange={(value) => onChange(withValue(definition, field.path, value ?? emptied(field)))}
    />
  );
  const others = leaves(definition).filter((path) => !isShown(path));
  return (
    <div className="form">
      <fieldset className="panel form-section">
        <legend className="visually-hidden">{identity.title}</legend>
        <h2>{identity.title}</h2>
        <div className="form-grid">{identity.fields.map(row)}</div>
      </fieldset>
      <fieldset className="panel form-section">
        <legend className="visually-hidden">When it runs</legend>
        <h2>When it runs</h2>
        <KindChoice kind={kind} onChange={choose} />
        <div className="form-grid">{scheduleFields[kind].map(row)}</div>
      </fieldset>
      {sections.map((section) => (
        <FormSection
          key={section.key}
          section={section}
          needed={section.fields.some(
            (field) =>
              valueAt(definition, field.path) !== undefined ||
              problems.some((problem) => concerns(problem, field)),
          )}
          row={row}
        />
      ))}
      {others.length > 0 && (
        <p className="muted">
          Also set and kept, but only editable as YAML: <code>{others.join(', ')}</code>
        </p>
      )}
    </div>
  );
}

interface SectionProps {
  readonly section: Section;
  /** A field in it is set or invalid. */
  readonly needed: boolean;
  readonly row: (field: Field) => ReactNode;
}

/**
 * Expands automatically and never collapses automatically, so that a field does not disappear while the user
 * types.
 */
function FormSection({ section: { title, open, fields }, needed, row }: SectionProps) {
  const [unfolded, setUnfolded] = useState(needed);
  if (needed && !unfolded) setUnfolded(true);
  return (
    <fieldset className="panel form-section">
      <legend className="visually-hidden">{title}</legend>
      {open ? (
        <>
          <h2>{title}</h2>
          <div className="form-grid">{fields.map(row)}</div>
        </>
      ) : (
        <details open={unfolded} onToggle={({ currentTarget }) => setUnfolded(currentTarget.open)}>
          <summary>{title}</summary>
          <div className="form-grid">{fields.map(row)}</div>
        </details>
      )}
    </fieldset>
  );
}

/** True if the server names this field or something within it. */
const concerns = ({ field }: FieldProblem, { path }: { readonly path: string }): boolean =>
  field === path || field.startsWith(`${path}.`) || field.startsWith(`${path}[`);

/** Whether the form shows the field with the problem. */
export const showsField = (field: string): boolean =>
  shownPaths.some((path) => concerns({ field, detail: '' }, { path }));

const isShown = (path: string): boolean =>
  shownPaths.some((shown) => path === shown || path.startsWith(`${shown}.`));

const kinds: readonly ScheduleKind[] = ['cron', 'every', 'at', 'any', 'after', 'none'];

export const kindOf = (definition: Tree): ScheduleKind =>
  kinds.find((kind) => valueAt(definition, `schedule.${kind}`) !== undefined) ?? 'none';

/** Keeps an empty schedule field: without it the field would disappear and another kind would be selected. */
const emptied = ({ path }: Field): '' | undefined =>
  kinds.some((kind) => path === `schedule.${kind}`) ? '' : undefined;

/**
 * Changes the kind of schedule. Restores the values that it had before (`before`), and keeps the time zone if
 * the kind has one.
 */
function withKind(definition: Tree, kind: ScheduleKind, before: unknown): Tree {
  const template = templates.find(({ key }) => key === kind)?.definition;
  const schedule = before ?? (template === undefined ? undefined : valueAt(template, 'schedule'));
  const zone = valueAt(definition, 'schedule.timezone');
  const changed = withValue(definition, 'schedule', schedule);
  return zone === undefined || kind === 'after' || kind === 'none'
    ? changed
    : withValue(changed, 'schedule.timezone', zone);
}

interface KindProps {
  readonly kind: ScheduleKind;
  readonly onChange: (kind: ScheduleKind) => void;
}

const KindChoice = ({ kind, onChange }: KindProps) => (
  <div className="kinds" role="radiogroup" aria-label="Kind of schedule">
    {templates.map(({ key, title }) => (
      <label key={key} className="kind">
        <input
          type="radio"
          name="kind"
          checked={kind === key}
          onChange={() => onChange(key as ScheduleKind)}
        />
        {title}
      </label>
    ))}
  </div>
);
