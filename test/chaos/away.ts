/** What was due while a leader was away, of jobs that any node may run: the targets of Jepsen's workload. */

import { doneAt, type Evidence, isLost, scheduledRuns } from './evidence.ts';
import { instantsOf } from './history.ts';

export interface WhileAway {
  /** Due times of schedules. */
  readonly targets: number;
  /** Without a run that was done. */
  readonly missed: number;
  /** Done by a later attempt, because the host of the first one died with it. */
  readonly repeated: number;
  /** Due until begun, of the other targets; milliseconds. */
  readonly lateness: { readonly p50: number; readonly p99: number; readonly max: number };
}

export function whileAway(evidence: Evidence): WhileAway {
  const absences = evidence.schedulerFaults.filter(({ kind, led }) => kind === 'kill' && led === true);
  const lateness: number[] = [];
  let [targets, missed, repeated] = [0, 0, 0];
  for (const job of evidence.jobs.values()) {
    if (job.on === undefined) continue;
    const runs = scheduledRuns(evidence, job);
    for (const due of instantsOf(job)) {
      if (!absences.some(({ from, to }) => from <= due && due <= (to ?? Infinity))) continue;
      const run = runs.get(due);
      const launch = evidence.launchesOf.get(run?.id ?? '')?.[0];
      targets += 1;
      if (run === undefined || launch === undefined || doneAt(evidence, run) === null) missed += 1;
      else if (run.attempts.some((attempt) => isLost(job, attempt))) repeated += 1;
      else lateness.push(launch.at - due);
    }
  }
  lateness.sort((a, b) => a - b);
  const at = (share: number): number =>
    lateness[Math.min(lateness.length - 1, Math.floor(lateness.length * share))] ?? 0;
  return { targets, missed, repeated, lateness: { p50: at(0.5), p99: at(0.99), max: at(1) } };
}
