/** A reason from the server, with links to the runs that it names, and times in the viewer's zone. */

import { Link } from 'wouter';
import { Instant } from './instant.tsx';
import { type ReasonPart, reasonParts } from './reason-parts.ts';

interface Props {
  readonly text: string;
  /** The job that the reason is about: its own runs are shown without its name. */
  readonly job: string;
}

export const Reason = ({ text, job }: Props) => (
  <span className="reason">
    {reasonParts(text).map((part, i) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence are known by their place.
      <Part key={i} part={part} own={job} />
    ))}
  </span>
);

function Part({ part, own }: { readonly part: ReasonPart; readonly own: string }) {
  if (part.kind === 'text') return part.text;
  if (part.kind === 'instant') return <Instant at={part.at} />;
  return (
    <Link href={`/runs/${part.id}`} title={part.id}>
      the run {part.job !== own && <>of {part.job} </>}due <Instant at={part.due} />
    </Link>
  );
}
