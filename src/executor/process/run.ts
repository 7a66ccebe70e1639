/**
 * All processes of one run: the supervisor that notes its exit code, the job's process group, and the cgroup that
 * holds the job with all that it started, where there is one. Without a cgroup a process that leaves the group
 * (setsid) is no longer the run's.
 */

import { cgroupMembers, isCgroupPopulated, killCgroup } from './cgroup.ts';
import type { ProcessIdentity } from './journal.ts';
import { isAlive, isGroupAlive, type ProcessSource, signalGroup, signalProcess } from './table.ts';

export interface RunProcesses {
  readonly supervisor: ProcessIdentity;
  /** The leader of the job's group; null: that is the supervisor, a shell. */
  readonly job: ProcessIdentity | null;
  readonly cgroup: string | null;
}

/** True while anything of the run lives, its supervisor too. */
export async function isRunAlive(source: ProcessSource, run: RunProcesses): Promise<boolean> {
  if (await isAlive(source, run.supervisor)) return true;
  if (await isGroupAlive(source, run.job ?? run.supervisor)) return true;
  return run.cgroup !== null && run.supervisor.boot === source.boot && isCgroupPopulated(run.cgroup);
}

/** TERM to each process of the run, once. */
export async function terminateRun(source: ProcessSource, run: RunProcesses): Promise<void> {
  await signalGroup(source, run.job ?? run.supervisor, 'SIGTERM');
  await terminateStrays(source, run);
}

/** KILL to all processes of the run at once. A supervisor that is not the job's leader stays and notes the end. */
export async function killRun(source: ProcessSource, run: RunProcesses): Promise<void> {
  if (run.supervisor.boot === source.boot && run.cgroup !== null) await killCgroup(run.cgroup);
  await signalGroup(source, run.job ?? run.supervisor, 'SIGKILL');
  // A job of the same user may have stopped it.
  if (run.job) await signalProcess(source, run.supervisor, 'SIGCONT');
}

/** What is in the cgroup and has left the group. The job itself can't: it leads its session. */
async function terminateStrays(source: ProcessSource, { job, cgroup }: RunProcesses): Promise<void> {
  if (job === null || cgroup === null || job.boot !== source.boot) return;
  for (const pid of await cgroupMembers(cgroup)) {
    const found = await source.find(pid);
    if (!found || found.group === job.pid) continue;
    await signalProcess(source, { pid, boot: source.boot, began: found.began }, 'SIGTERM');
  }
}
