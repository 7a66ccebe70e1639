/** Read models: everything known about a job in one value. */

import { missingParents } from '../../dag/ready.ts';
import type { JobGlance, JobStatus, JobView, Lacking } from '../handle.ts';
import type { Entry, State } from '../state/state.ts';

export function jobView(state: State, entry: Entry): JobView {
  const { job, schedule, fault, stats, runs, due } = entry;
  return {
    job,
    state: { ...entry.state },
    stats,
    schedule,
    fault,
    due,
    nextDue: nextDueOf(entry),
    runs,
    parents: state.graph.parentsOf(job.name),
    children: state.graph.childrenOf(job.name),
    status: statusOf(entry),
  };
}

/** The next due time at which the job will run. Null if there is none, or the job is paused or disabled. */
export function nextDueOf({ state, due }: JobGlance): number | null {
  return state.paused === null && state.disabled === null ? due : null;
}

export function statusOf({ state, schedule, fault, due }: JobGlance): JobStatus {
  if (fault !== null) return 'disabled';
  if (state.paused !== null) return 'paused';
  if (state.disabled !== null) return 'disabled';
  return schedule !== null && due === null ? 'completed' : 'active';
}

/** The unfinished rounds of a job with parents, oldest first, with the parents that each waits for. */
export function lackingOf(state: State, entry: Entry): Lacking[] {
  const spec = state.derived.joinSpec(entry);
  if (spec === null || entry.state.join === null) return [];
  return entry.state.join.open
    .filter((round) => !round.fired)
    .map((round) => ({ due: round.due, parents: missingParents(round, spec) }))
    .filter(({ parents }) => parents.length > 0)
    .sort((a, b) => a.due - b.due);
}
