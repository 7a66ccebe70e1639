/** What was to hold until a time ends by itself. */

import type { EndTimer } from '../../state/entry.ts';
import type { Turn } from '../../state/turn.ts';
import { propagateEnds } from '../endings.ts';
import { endMaintenance } from './commands.ts';
import { setPaused } from './pause.ts';

/** Plans may have changed since the timer was made. */
export function holdEnds(turn: Turn, { ends, key }: EndTimer): void {
  const { state, draft } = turn;
  if (ends === 'pause') {
    const entry = state.jobs.get(key);
    const { until } = entry?.state.paused ?? {};
    if (entry === undefined || until === undefined || until > draft.now) return;
    setPaused(entry, 'schedule', { paused: false })(turn);
    return;
  }
  const mode = state.calendars.maintenance.get(key);
  if (mode === undefined || mode.until > draft.now) return;
  endMaintenance(turn, key);
  propagateEnds(turn);
}
