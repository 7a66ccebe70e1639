/** Which jobs use a calendar, and what its change means for them. */

import { calendarsIn } from '../../job/calendar/used.ts';
import type { State } from '../../state/state.ts';
import type { Turn } from '../../state/turn.ts';
import { checkDeadlines } from '../alerts/deadlines.ts';

/** In order of name. */
export function usersOf(state: State, name: string): string[] {
  return [...state.jobs.values()]
    .filter(({ job }) => calendarsIn(job.definition).includes(name))
    .map(({ job }) => job.name)
    .sort();
}

/** Their next due times are computed again. What was decided stays decided. */
export function replan(turn: Turn, name: string): void {
  const { state } = turn;
  for (const job of usersOf(state, name)) {
    const entry = state.entry(job);
    state.reschedule(entry);
    state.plan(entry);
    checkDeadlines(turn, entry);
  }
}
