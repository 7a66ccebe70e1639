/** Edits the definition of a job that exists. Who comes second is told so, and overwrites nothing unseen. */

import { useState } from 'react';
import type { WireJob } from '../../../src/api/schema.ts';
import { replaceJob } from '../actions/requests.ts';
import { Editor } from './editor.tsx';

export default function Definition({ job }: { readonly job: WireJob }) {
  const [base, setBase] = useState({ revision: job.revision, definition: job.definition });
  const outdated = job.revision > base.revision;
  return (
    <Editor
      key={base.revision}
      initial={base.definition}
      named
      doing="Save"
      onSave={(written) => replaceJob(job.name, written, base.revision)}
      onSaved={({ revision, definition }) => setBase({ revision, definition })}
    >
      {outdated && (
        <div className="callout callout-late outdated" role="status">
          <p>
            {job.updatedBy} has made revision {job.revision} while you were editing revision {base.revision}.
          </p>
          <button
            type="button"
            className="button button-small"
            onClick={() => setBase({ revision: job.revision, definition: job.definition })}
          >
            Begin again with revision {job.revision}
          </button>
        </div>
      )}
    </Editor>
  );
}
