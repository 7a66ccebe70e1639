/** Read models: what is known of a job now, in one value. */

import type { JobStatus, JobView } from './handle.ts';
import type { Entry, State } from './state.ts';

export function jobView(state: State, entry: Entry): JobView {
  const { job, schedule, stats, runs } = entry;
  return {
    job,
    state: { ...entry.state },
    stats,
    schedule,
    nextDue: entry.state.paused === null && entry.state.disabled === null ? entry.due : null,
    runs,
    parents: state.graph.parentsOf(job.name),
    children: state.graph.childrenOf(job.name),
    status: statusOf(entry),
  };
}

function statusOf(entry: Entry): JobStatus {
  if (entry.state.paused !== null) return 'paused';
  if (entry.state.disabled !== null) return 'disabled';
  return entry.schedule !== null && entry.due === null ? 'completed' : 'active';
}
