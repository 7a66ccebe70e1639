/**
 * All processes of one run: the supervisor that records its exit code, the job's process group, and the
 * cgroup with everything that the job started, if there is one. Without a cgroup, a process that leaves the
 * group (setsid) no longer belongs to the run.
 */

import type { ProcessIdentity } from '../supervised/journal.ts';
import { cgroupMembers, isCgroupPopulated, killCgroup } from './cgroup.ts';
import { isAlive, isGroupAlive, type ProcessSource, signalGroup, signalProcess } from './table.ts';

export interface RunProcesses {
  readonly supervisor: ProcessIdentity;
  /** The leader of the job's group. Null: that is the supervisor, a shell. */
  readonly job: ProcessIdentity | null;
  readonly cgroup: string | null;
}

/** True while anything of the run lives, including its supervisor. */
export async function isRunAlive(source: ProcessSource, run: RunProcesses): Promise<boolean> {
  if (await isAlive(source, run.supervisor)) return true;
  if (await isGroupAlive(source, run.job ?? run.supervisor)) return true;
  return run.cgroup !== null && run.supervisor.boot === source.boot && isCgroupPopulated(run.cgroup);
}

/** Sends TERM to each process of the run, once. */
export async function terminateRun(source: ProcessSource, run: RunProcesses): Promise<void> {
  await signalGroup(source, run.job ?? run.supervisor, 'SIGTERM');
  await terminateStrays(source, run);
}

/**
 * Kills all processes of the run at once. A supervisor that is not the job's leader stays and records the
 * end.
 */
export async function killRun(source: ProcessSource, run: RunProcesses): Promise<void> {
  if (run.supervisor.boot === source.boot && run.cgroup !== null) await killCgroup(run.cgroup);
  await signalGroup(source, run.job ?? run.supervisor, 'SIGKILL');
  // A job of the same user may have stopped it.
  if (run.job) await signalProcess(source, run.supervisor, 'SIGCONT');
}

/** Processes in the cgroup that have left the group. The job itself cannot: it leads its session. */
async function terminateStrays(source: ProcessSource, { job, cgroup }: RunProcesses): Promise<void> {
  if (job === null || cgroup === null || job.boot !== source.boot) return;
  for (const pid of await cgroupMembers(cgroup)) {
    const found = await source.find(pid);
    if (!found || found.group === job.pid) continue;
    await signalProcess(source, { pid, boot: source.boot, began: found.began }, 'SIGTERM');
  }
}
