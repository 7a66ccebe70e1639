/** A reason from the server, with links to the runs that it names, and times in the viewer's zone. */

import { Link } from 'wouter';
import type { WireReason } from '../../../src/api/wire/reason.ts';
import { Instant } from './instant.tsx';
import { partsIn } from './reason-parts.ts';

interface Props {
  /** Left out by a leader of 0.1.0 in its answer to a change. */
  readonly why: WireReason | null | undefined;
  /** Shown without it. */
  readonly text: string;
  /** The text starts a sentence. */
  readonly capital?: boolean;
  /** The job that the reason is about: its own runs are shown without its name. */
  readonly job: string;
}

export const Reason = ({ why, text, capital = false, job }: Props) => (
  <span className="reason">
    {partsIn(why, text, capital).map((part, i) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence are known by their place.
      <Part key={i} part={part} own={job} />
    ))}
  </span>
);

function Part({ part, own }: { readonly part: WireReason['parts'][number]; readonly own: string }) {
  const { text, run, at } = part;
  if (at !== undefined) return <Instant at={at} />;
  if (run === undefined) return text;
  return (
    <Link href={`/runs/${run.id}`} title={run.id}>
      the run {run.job !== own && <>of {run.job} </>}due <Instant at={run.due} />
    </Link>
  );
}
