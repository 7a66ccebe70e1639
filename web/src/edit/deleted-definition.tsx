/**
 * Unsaved edits of a job that was deleted meanwhile. They can be read, copied, and saved as a new job of the
 * same name.
 */

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
      hidden={[]}
      named
      doing="Create again"
      onSave={createJob}
      onSaved={giveUp}
    />
  );
}
