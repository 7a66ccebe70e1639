/** A refusal in the server's own words, where it can't be shown at a field. */

import { problemOf } from '../data/client.ts';
import { Icon } from './icon.tsx';

export function ProblemNote({ error }: { readonly error: unknown }) {
  const { title, detail, names } = problemOf(error);
  const unsaid = names?.some((name) => !detail.includes(name)) === true;
  return (
    <div className="callout callout-fail problem" role="alert">
      <Icon name="alert" />
      <div>
        <strong>{title}.</strong> {detail}
        {unsaid && <p className="muted">{names.join(' → ')}</p>}
      </div>
    </div>
  );
}

interface ReadProps {
  /** Null: all is well. */
  readonly error: unknown;
  /** What was read before is still shown. */
  readonly shown: boolean;
}

/** Why something could not be read. A lost server moves nothing while there is something to look at: the frame says it. */
export const ReadProblem = ({ error, shown }: ReadProps) =>
  error === null || (shown && problemOf(error).status === 0) ? null : <ProblemNote error={error} />;
