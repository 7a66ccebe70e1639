/** The revisions of a job, also of a deleted one: who changed what and when, and how to restore one. */

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { WireRevision } from '../../../src/api/wire/schema.ts';
import { useMayOn } from '../access/may.ts';
import { restoreRevision } from '../actions/requests.ts';
import { useAction } from '../actions/use-action.ts';
import { diffQuery, revisionsQuery } from '../data/queries.ts';
import { wholeIn } from '../parts/address-values.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Icon } from '../parts/icon.tsx';
import { Exact } from '../parts/instant.tsx';
import { Panel } from '../parts/panel.tsx';
import { ReadProblem } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { Diff } from './diff.tsx';

interface Props {
  readonly name: string;
  /** Null: the job is deleted, or not loaded yet. */
  readonly current: number | null;
}

export function Revisions({ name, current }: Props) {
  const { data, error } = useQuery(revisionsQuery(name));
  const [parameters, change] = useQueryState();
  const items = data?.items ?? [];
  const asked = wholeIn(parameters.get('revision'), 1, Number.MAX_SAFE_INTEGER);
  const chosen = items.find(({ revision }) => revision === asked) ?? standing(items);
  const before = chosen && items.find(({ revision }) => revision < chosen.revision);
  if (data === undefined) return <ReadProblem error={error} shown={false} />;
  return (
    <div className="revisions">
      <section className="panel" aria-label="Revisions">
        <ol className="revision-list">
          {items.map(({ revision, at, by, definition }) => (
            <li key={revision}>
              <button
                type="button"
                aria-pressed={revision === chosen?.revision}
                onClick={() => change({ revision: String(revision) })}
              >
                <strong>{revision}</strong>
                <span>
                  <Exact at={at} />
                  <small>
                    {by}
                    {revision === current && ', current'}
                    {definition === null && ', deleted'}
                  </small>
                </span>
              </button>
            </li>
          ))}
        </ol>
      </section>
      {chosen !== undefined && (
        <Revision name={name} revision={chosen} before={before?.revision ?? null} current={current} />
      )}
    </div>
  );
}

/** The newest revision that can be restored: for a deleted job, the one before the deletion. */
const standing = (items: readonly WireRevision[]): WireRevision | undefined =>
  items.find(({ definition }) => definition !== null) ?? items[0];

interface RevisionProps extends Props {
  readonly revision: WireRevision;
  /** The previous revision. Null for the oldest one kept. */
  readonly before: number | null;
}

function Revision({ name, revision, before, current }: RevisionProps) {
  const [restoring, setRestoring] = useState(false);
  const mayEdit = useMayOn('edit', name);
  const { data } = useQuery({
    ...diffQuery(name, { from: before ?? 1, to: revision.revision }),
    enabled: before !== null,
  });
  return (
    <Panel
      title={`Revision ${revision.revision}`}
      aside={
        mayEdit &&
        revision.definition !== null &&
        revision.revision !== current && (
          <div className="actions">
            <button type="button" className="button button-small" onClick={() => setRestoring(true)}>
              <Icon name="again" /> Restore
            </button>
          </div>
        )
      }
    >
      <div className="panel-body stack">
        {before !== null ? (
          <>
            <h3>Changes</h3>
            {data !== undefined && <Diff changes={data.changes} />}
          </>
        ) : (
          <p className="muted">The oldest kept revision.</p>
        )}
        {revision.definition !== null && (
          <details open={before === null}>
            <summary>Full definition</summary>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long one is scrolled with the keyboard */}
            <pre className="command" tabIndex={0}>
              {JSON.stringify(revision.definition, null, 2)}
            </pre>
          </details>
        )}
      </div>
      {restoring && (
        <RestoreDialog
          name={name}
          number={revision.revision}
          current={current}
          onClose={() => setRestoring(false)}
        />
      )}
    </Panel>
  );
}

interface RestoreProps extends Props {
  readonly number: number;
  readonly onClose: () => void;
}

function RestoreDialog({ name, number, current, onClose }: RestoreProps) {
  const { data } = useQuery({
    ...diffQuery(name, { from: current ?? number, to: number }),
    enabled: current !== null,
  });
  const action = useAction({
    run: () => restoreRevision(name, number),
    said: ({ revision }) => ({
      tone: 'good',
      text: `${name} is restored to revision ${number}, as revision ${revision}.`,
    }),
    onDone: onClose,
  });
  return (
    <Dialog
      title={`Restore revision ${number}`}
      doing="Restore"
      busy={action.isPending}
      error={action.error}
      onDo={() => action.mutate()}
      onClose={onClose}
    >
      <p>
        It is saved as a new revision.{' '}
        {current === null ? 'The deleted job is created again.' : 'Unfinished runs are not affected.'}
      </p>
      {data !== undefined && <Diff changes={data.changes} />}
    </Dialog>
  );
}
