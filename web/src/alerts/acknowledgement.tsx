/** Who takes care of an alert, or the button that says so. */

import type { WireAlert } from '../../../src/api/wire/alerts.ts';
import { useMayOn } from '../access/may.ts';
import { acknowledgeAlert } from '../actions/requests.ts';
import { useAction } from '../actions/use-action.ts';
import { Relative } from '../parts/instant.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { nameOf } from './words.ts';

export function Acknowledgement({ alert }: { readonly alert: WireAlert }) {
  const acknowledge = useAction({
    run: () => acknowledgeAlert(alert.id),
    said: () => ({ tone: 'good', text: `The alert of ${nameOf(alert)} is acknowledged.` }),
  });
  const mayOperate = useMayOn('operate', alert.job);
  if (alert.acknowledgedAt !== null)
    return (
      <>
        {alert.acknowledgedBy}, <Relative at={alert.acknowledgedAt} />
        {alert.acknowledgedUntil !== null && (
          <>
            {' '}
            until <Relative at={alert.acknowledgedUntil} />
          </>
        )}
      </>
    );
  if (!mayOperate) return <span className="muted">nobody</span>;
  return (
    <>
      <button
        type="button"
        className="button"
        aria-label={`Acknowledge ${alert.condition} of ${nameOf(alert)}`}
        disabled={acknowledge.isPending}
        onClick={() => acknowledge.mutate()}
      >
        Acknowledge
      </button>
      {acknowledge.error !== null && <ProblemNote error={acknowledge.error} />}
    </>
  );
}
