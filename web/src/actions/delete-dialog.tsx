/** Deletes a job, after asking what happens to the jobs that depend on it. */

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { WireJob } from '../../../src/api/wire/schema.ts';
import type { WireGraph } from '../../../src/api/wire/views.ts';
import { jobGraphQuery } from '../data/queries.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Names } from '../parts/names.tsx';
import { DependentsChoice } from './dependents-choice.tsx';
import { type Dependents, deleteJob } from './requests.ts';
import { useAction } from './use-action.ts';

interface Props {
  readonly job: WireJob;
  readonly onClose: () => void;
  readonly onDeleted: () => void;
}

export function DeleteDialog({ job, onClose, onDeleted }: Props) {
  const [dependents, setDependents] = useState<Dependents>('refuse');
  const graph = useQuery({ ...jobGraphQuery(job.name), enabled: job.children.length > 0 });
  const below = graph.data === undefined ? job.children : descendants(graph.data, job.name);
  const action = useAction({
    run: () => deleteJob(job.name, dependents),
    said: ({ deleted, detached }) => ({
      tone: 'good',
      text:
        `${deleted.length === 1 ? job.name : `${deleted.length} jobs`} deleted.` +
        (detached.length > 0 ? ` ${detached.join(', ')} no longer wait for this job.` : ''),
    }),
    onDone: onDeleted,
    gone: ({ deleted }) => deleted,
  });
  const unfinished = job.running.length + job.waiting.length;
  const blocked = job.children.length > 0 && dependents === 'refuse';
  return (
    <Dialog
      title={`Delete ${job.name}`}
      doing={dependents === 'cascade' ? `Delete ${below.length + 1} jobs` : 'Delete'}
      danger
      ready={!blocked}
      busy={action.isPending}
      error={action.error}
      onDo={() => action.mutate()}
      onClose={onClose}
    >
      <ul className="consequences">
        <li>The job is not started any more. Its revisions, runs and ledger are kept until they expire.</li>
        {unfinished > 0 && (
          <li className="tone-fail">
            {unfinished === 1 ? 'Its unfinished run is' : `Its ${unfinished} unfinished runs are`} killed.
          </li>
        )}
        {job.children.length > 0 && (
          <li>
            {below.length === 1 ? 'One job depends' : `${below.length} jobs depend`} on it:{' '}
            <Names names={below} />
          </li>
        )}
      </ul>
      {job.children.length > 0 && <DependentsChoice value={dependents} onChange={setDependents} />}
    </Dialog>
  );
}

function descendants({ edges }: WireGraph, name: string): string[] {
  const below = new Set([name]);
  for (const each of below) for (const { from, to } of edges) if (from === each) below.add(to);
  below.delete(name);
  return [...below];
}
