/** A refusal with the server's message, if it cannot be shown at a field. */

import { problemOf } from '../data/client.ts';
import { Icon } from './icon.tsx';

export function ProblemNote({ error }: { readonly error: unknown }) {
  const { title, detail, names, code } = problemOf(error);
  const unsaid = names?.some((name) => !detail.includes(name)) === true;
  return (
    <div className="callout callout-fail problem" role="alert">
      <Icon name="alert" />
      <div>
        <strong>{title}.</strong> {detail}
        {unsaid && <p className="muted">{names.join(code === 'DEPENDENCY_CYCLE' ? ' → ' : ', ')}</p>}
      </div>
    </div>
  );
}

interface ReadProps {
  /** Null: no error. */
  readonly error: unknown;
  /** Earlier data is still displayed. */
  readonly shown: boolean;
}

/**
 * Why data could not be read. While earlier data is displayed, a lost connection changes nothing here: the
 * frame shows it.
 */
export const ReadProblem = ({ error, shown }: ReadProps) =>
  error === null || (shown && problemOf(error).status === 0) ? null : <ProblemNote error={error} />;
