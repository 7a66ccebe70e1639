/**
 * Deletes a job that other jobs depend on. In Chronos, every child of a deleted scheduled job becomes a
 * scheduled job, even one with other parents. Here a child keeps its other parents and inherits the parents
 * of a deleted dependent job; without any parent it runs only when triggered.
 */

import type { JobView, SchedulerHandle } from '../../scheduler/handle.ts';
import { parentsAs } from '../../scheduler/job/parents.ts';

export async function removeJob(scheduler: SchedulerHandle, view: JobView, by: string): Promise<void> {
  const { name } = view.job;
  if (view.parents.length > 0 && view.children.length > 0) {
    const definitions = view.children.map((child) => ({
      definition: withParentsOf(scheduler.job(child), view),
      source: `children of ${name}`,
    }));
    // A child that cannot inherit the parents loses the deleted one below, like all others.
    await scheduler.submit({ kind: 'apply', definitions, prune: null, dryRun: false, by });
  }
  await scheduler.submit({ kind: 'delete-job', name, dependents: 'detach', by });
}

function withParentsOf({ job: { definition }, parents }: JobView, gone: JobView): unknown {
  const inherited = [...parents.filter((parent) => parent !== gone.job.name), ...gone.parents];
  const own = definition.schedule?.after;
  const after = { ...own, parents: parentsAs(own, [...new Set(inherited)]) };
  return { ...definition, schedule: { ...definition.schedule, after } };
}
