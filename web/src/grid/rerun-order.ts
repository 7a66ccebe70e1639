/** Which of the selected runs to run again. Pure. */

import type { WireRun } from '../../../src/api/wire/schema.ts';
import type { GridJob } from './sheet.ts';

const unsuccessful = new Set<WireRun['state']>([
  'failed',
  'killed',
  'timed-out',
  'lost',
  'missed',
  'skipped',
]);

export interface Chosen {
  /** Oldest due time first. */
  readonly runs: readonly WireRun[];
  /** Runs of jobs that run again anyway, because a job before them does. */
  readonly follow: number;
}

/**
 * The newest run of each due time that has ended. Its dependent jobs follow when it has ended, so they are left out:
 * otherwise they would run twice.
 */
export function chosenOf(
  runs: readonly WireRun[],
  jobs: readonly GridJob[],
  { onlyFailed }: { readonly onlyFailed: boolean },
): Chosen {
  const newest = new Map<string, WireRun>();
  for (const run of runs) {
    const key = `${run.job} ${run.due}`;
    const other = newest.get(key);
    if (other === undefined || run.createdAt > other.createdAt) newest.set(key, run);
  }
  const parents = new Map(jobs.map((job) => [job.name, job.parents]));
  const wanted = [...newest.values()].filter(
    ({ endedAt, state }) => endedAt !== null && (!onlyFailed || unsuccessful.has(state)),
  );
  const keys = new Set(wanted.map(({ job, due }) => `${job} ${due}`));
  const follows = ({ job, due }: WireRun): boolean => {
    const seen = new Set<string>();
    const above = [...(parents.get(job) ?? [])];
    for (let name = above.pop(); name !== undefined; name = above.pop()) {
      if (keys.has(`${name} ${due}`)) return true;
      if (seen.has(name)) continue;
      seen.add(name);
      above.push(...(parents.get(name) ?? []));
    }
    return false;
  };
  const first = wanted.filter((run) => !follows(run));
  return {
    runs: first.sort((a, b) => (a.due < b.due ? -1 : a.due > b.due ? 1 : a.job < b.job ? -1 : 1)),
    follow: wanted.length - first.length,
  };
}
