/** Unsaved edits of a job that was deleted meanwhile: they can still be read, copied, and saved as the same job anew. */

import { createJob } from '../actions/requests.ts';
import { placeOf, useDraft } from './draft.ts';
import { Editor } from './editor.tsx';

export default function DeletedDefinition({ name }: { readonly name: string }) {
  const place = placeOf(name);
  const [draft, giveUp] = useDraft(place);
  if (draft === null) return null;
  return (
    <Editor
      place={place}
      initial={draft.initial}
      revision={draft.revision}
      draft={draft}
      onDiscard={giveUp}
      named
      doing="Create again"
      onSave={createJob}
      onSaved={giveUp}
    />
  );
}
