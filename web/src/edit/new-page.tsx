/** Makes a job: from a template, or as a copy of another. */

import { useQuery } from '@tanstack/react-query';
import { useLocation } from 'wouter';
import { createJob } from '../actions/requests.ts';
import { jobQuery } from '../data/queries.ts';
import { usePageTitle } from '../parts/page-title.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { Editor } from './editor.tsx';
import type { Tree } from './path.ts';
import { templates } from './templates.ts';
import './edit.css';

export default function NewJobPage() {
  usePageTitle('New job');
  const [parameters, change] = useQueryState();
  const from = parameters.get('from');
  const template = templates.find(({ key }) => key === parameters.get('template'));
  return (
    <main className="page" id="main" tabIndex={-1}>
      <h1>{from === null ? 'New job' : `A job like ${from}`}</h1>
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
        <NewEditor initial={template.definition} />
      )}
    </main>
  );
}

function Copy({ of }: { readonly of: string }) {
  const { data, error } = useQuery(jobQuery(of));
  if (error !== null) return <ProblemNote error={error} />;
  if (data === undefined) return <div className="page-pending" />;
  return <NewEditor initial={{ ...data.definition, name: `${of}-copy` }} />;
}

function NewEditor({ initial }: { readonly initial: Tree }) {
  const [, navigate] = useLocation();
  return (
    <Editor
      initial={initial}
      named={false}
      doing="Create"
      onSave={createJob}
      onSaved={({ name }) => navigate(`/jobs/${name}`)}
    />
  );
}
