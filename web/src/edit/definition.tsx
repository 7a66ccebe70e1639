/**
 * Edits the definition of an existing job. If another user has saved meanwhile, the second user is told and
 * overwrites nothing unseen.
 */

import { useState } from 'react';
import { stringify } from 'yaml';
import type { WireJob } from '../../../src/api/wire/schema.ts';
import { useMayOn } from '../access/may.ts';
import { needsRole } from '../access/words.ts';
import { replaceJob } from '../actions/requests.ts';
import { Panel } from '../parts/panel.tsx';
import { placeOf, useDraft } from './draft.ts';
import { Editor } from './editor.tsx';
import type { Tree } from './path.ts';

/** The revision that the edits start from. */
interface Base {
  readonly revision: number;
  readonly definition: Tree;
}

const baseOf = ({ revision, definition }: Pick<WireJob, 'revision' | 'definition'>): Base => ({
  revision,
  definition,
});

export default function Definition({ job }: { readonly job: WireJob }) {
  const place = placeOf(job.name);
  const [draft, giveUp] = useDraft(place);
  const [base, setBase] = useState<Base>(
    draft === null || draft.revision === null
      ? baseOf(job)
      : { revision: draft.revision, definition: draft.initial },
  );
  const begin = (from: Base) => {
    giveUp();
    setBase(from);
  };
  const outdated = job.revision > base.revision;
  const mayEdit = useMayOn('edit', job.name);
  if (!mayEdit && draft === null) return <ReadOnly job={job} />;
  return (
    <Editor
      key={`${base.revision} ${draft?.at}`}
      place={place}
      initial={base.definition}
      revision={base.revision}
      draft={draft}
      onDiscard={() => begin(baseOf(job))}
      hidden={job.hidden ?? []}
      named
      doing="Save"
      onSave={(written) => replaceJob(job.name, written, base.revision)}
      onSaved={(saved) => begin(baseOf(saved))}
    >
      {outdated && (
        <div className="callout callout-late outdated" role="status">
          <p>
            {job.updatedBy} saved revision {job.revision} while you were editing revision {base.revision}.
          </p>
          <button type="button" className="button button-small" onClick={() => begin(baseOf(job))}>
            Start again with revision {job.revision}
          </button>
        </div>
      )}
    </Editor>
  );
}

/** For users who may not change the job. */
function ReadOnly({ job: { name, definition, hidden = [] } }: { readonly job: WireJob }) {
  return (
    <Panel title="Definition">
      <div className="panel-body">
        <p className="muted">{needsRole('Changing this job', 'edit', name)}</p>
        {hidden.length > 0 && (
          <p className="muted">
            Values that you may not see are shown as <code>***</code>: {hidden.join(', ')}.
          </p>
        )}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long one is scrolled with the keyboard */}
      <pre className="command" tabIndex={0}>
        {stringify(definition)}
      </pre>
    </Panel>
  );
}
