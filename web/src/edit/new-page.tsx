/** Creates a job from a template or as a copy of another. */

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import type { WireJob } from '../../../src/api/wire/schema.ts';
import { useMaySome } from '../access/may.ts';
import { leastRole } from '../access/words.ts';
import { createJob } from '../actions/requests.ts';
import { jobQuery } from '../data/queries.ts';
import { usePageTitle } from '../parts/page-title.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { useDraft } from './draft.ts';
import { Editor } from './editor.tsx';
import type { Tree } from './path.ts';
import { templates } from './templates.ts';
import './edit.css';

export default function NewJobPage() {
  usePageTitle('New job');
  const [parameters, change] = useQueryState();
  const from = parameters.get('from');
  const template = templates.find(({ key }) => key === parameters.get('template'));
  const mayCreate = useMaySome('edit');
  if (!mayCreate) {
    return (
      <main className="page" id="main" tabIndex={-1}>
        <h1>New job</h1>
        <p className="callout">
          Creating a job needs the role {leastRole.edit}. An administrator can grant it.
        </p>
      </main>
    );
  }
  return (
    <main className="page" id="main" tabIndex={-1}>
      <h1>{from === null ? 'New job' : `Copy of ${from}`}</h1>
      {from !== null ? (
        <Copy of={from} />
      ) : template === undefined ? (
        <ul className="templates">
          {templates.map(({ key, title, text }) => (
            <li key={key}>
              <button type="button" className="panel template" onClick={() => change({ template: key })}>
                <strong>{title}</strong>
                <span className="muted">{text}</span>
              </button>
            </li>
          ))}
        </ul>
      ) : (
        <NewEditor
          key={template.key}
          place={`new ${template.key}`}
          initial={template.definition}
          hidden={[]}
        />
      )}
    </main>
  );
}

function Copy({ of }: { readonly of: string }) {
  const { data, error } = useQuery(jobQuery(of));
  if (error !== null) return <ProblemNote error={error} />;
  if (data === undefined) return <div className="page-pending" />;
  return <CopyEditor key={of} of={of} job={data} />;
}

/** Keeps the copied definition: later changes of the original have no effect here. */
function CopyEditor({ of, job }: { readonly of: string; readonly job: WireJob }) {
  const [initial] = useState({ ...job.definition, name: `${of}-copy` });
  return <NewEditor place={`new from ${of}`} initial={initial} hidden={job.hidden ?? []} />;
}

interface NewProps {
  readonly place: string;
  readonly initial: Tree;
  readonly hidden: readonly string[];
}

function NewEditor({ place, initial, hidden }: NewProps) {
  const [, navigate] = useLocation();
  const [draft, giveUp] = useDraft(place);
  const [begun, setBegun] = useState(0);
  return (
    <Editor
      key={begun}
      place={place}
      initial={initial}
      revision={null}
      draft={draft}
      onDiscard={() => {
        giveUp();
        setBegun(begun + 1);
      }}
      hidden={hidden}
      named={false}
      doing="Create"
      onSave={createJob}
      onSaved={({ name }) => navigate(`/jobs/${name}`)}
    />
  );
}
