/** The last runs of a job as bars, newest on the right. Heights show the same as colours. */

import { Link } from 'wouter';
import { type RunState, runTone, runWord } from './state-mark.tsx';
import { dateTime } from './time.ts';

interface PastRun {
  readonly id: string;
  readonly state: RunState;
  readonly due: string;
}

/** The maximum number of bars, so that names and strips line up. */
const places = 12;

export function Strip({ runs }: { readonly runs: readonly PastRun[] }) {
  const failed = runs.filter(({ state }) => runTone(state) === 'fail').length;
  const label = runs.length === 0 ? 'No runs yet' : `Last ${runs.length} runs, ${failed} failed`;
  return (
    <span className="strip" role="img" aria-label={label}>
      {Array.from({ length: places - runs.length }, (_, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: empty places are nothing but their place.
        <i key={place} />
      ))}
      {runs.map(({ id, state, due }) => (
        <i
          key={id}
          className={`tone-${runTone(state)}`}
          title={`${runWord(state)}, due ${dateTime(Date.parse(due))}`}
        />
      ))}
    </span>
  );
}

/** The same, with each bar a link to its run, where there is enough room. */
export const LinkedStrip = ({ runs }: { readonly runs: readonly PastRun[] }) => (
  <span className="strip strip-large">
    {runs.map(({ id, state, due }) => {
      const label = `${runWord(state)}, due ${dateTime(Date.parse(due))}`;
      return (
        <Link
          key={id}
          href={`/runs/${id}`}
          className={`tone-${runTone(state)}`}
          title={label}
          aria-label={label}
        />
      );
    })}
  </span>
);
