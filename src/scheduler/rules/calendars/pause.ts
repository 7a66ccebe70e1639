/** Pauses and resumes a job. A pause may end by itself. */

import type { CommandAnswers } from '../../command.ts';
import type { Entry } from '../../state/state.ts';
import type { Turn } from '../../state/turn.ts';
import { noted } from '../access/audit.ts';
import { alertOfHeldBelow, endAlert } from '../alerts/alerts.ts';

interface Pause {
  readonly paused: boolean;
  readonly until?: number;
}

/** A pause that is there gets the new end. */
export function setPaused(
  entry: Entry,
  by: string,
  { paused, until }: Pause,
): (turn: Turn) => CommandAnswers['pause'] {
  return (turn) => {
    const { state, job } = entry;
    const changes = paused
      ? state.paused === null || state.paused.until !== until
      : state.paused !== null || state.disabled !== null;
    if (changes) {
      const before = heldIn(state);
      state.paused = paused ? { at: turn.draft.now, by, ...(until !== undefined && { until }) } : null;
      if (until !== undefined) turn.state.endsAt('pause', job.name, until);
      if (!paused && state.disabled !== null) {
        state.disabled = null;
        endAlert(turn, entry, 'disabled', 'recovered');
        state.consecutiveFailures = 0;
      }
      turn.draft.state(state);
      const change = paused ? 'paused' : 'resumed';
      const { name, revision } = job;
      turn.draft.notice({ kind: 'job', name, change, revision });
      turn.draft.act({ kind: `job.${change}`, job: name, revision, by });
      alertOfHeldBelow(turn, entry);
      noted(turn, { on: name, before, after: heldIn(state) });
    }
    return { job, state: { ...state } };
  };
}

const heldIn = ({ paused, disabled }: Entry['state']) => ({
  paused: paused !== null,
  ...(paused?.until !== undefined && { until: new Date(paused.until).toISOString() }),
  ...(disabled !== null && { disabled: true }),
});
