/**
 * Deleting a job that others wait for. Chronos makes every child of a scheduled job a scheduled job of its own,
 * also one that has other parents; here a child goes on with the parents that are left, with those of a
 * deleted dependent job in its place, and without any it runs by hand only.
 */

import type { JobView, SchedulerHandle } from '../../scheduler/handle.ts';

export async function removeJob(scheduler: SchedulerHandle, view: JobView, by: string): Promise<void> {
  const { name } = view.job;
  if (view.parents.length > 0 && view.children.length > 0) {
    const definitions = view.children.map((child) => ({
      definition: withParentsOf(scheduler.job(child), view),
      source: `children of ${name}`,
    }));
    // A child that can't take them over loses the parent below, as the others do.
    await scheduler.submit({ kind: 'apply', definitions, prune: null, dryRun: false, by });
  }
  await scheduler.submit({ kind: 'delete-job', name, dependents: 'detach', by });
}

function withParentsOf({ job: { definition }, parents }: JobView, gone: JobView): unknown {
  const inherited = [...parents.filter((parent) => parent !== gone.job.name), ...gone.parents];
  const after = { ...definition.schedule?.after, parents: [...new Set(inherited)] };
  return { ...definition, schedule: { ...definition.schedule, after } };
}
