/** Jobs as processes on the scheduler's host. */

import { availableParallelism, hostname, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import type { CarillonError } from '../../errors.ts';
import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type { Clock, Launcher, Log } from '../../scheduler/ports.ts';
import { defaultBytesPerStream, type RunLogs } from '../logs/run-logs.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { notBecome, outOfReach, supervisorFailed } from '../supervised/faults.ts';
import type { EndedEarly } from '../supervised/launch.ts';
import { createSupervisedLauncher } from '../supervised/launcher.ts';
import { supervisorEnd } from '../supervisor/program.ts';
import { createLaunches } from './launches.ts';
import type { LimitGroups } from './limits.ts';
import { type Environment, processRequest } from './request.ts';
import { processSource } from './table.ts';
import { LaunchWatch } from './watch.ts';

export interface ProcessLauncherParts {
  /** Contains `launches/` and `scratch/`; on the same file system as the kept logs. */
  readonly dir: string;
  readonly installation: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Where logs go when a launch is removed. */
  readonly logs: RunLogs;
  /** The supervisor's program (supervisor/file.ts). Null: a shell with fewer abilities. */
  readonly supervisor: string | null;
  /** The folder for the cgroups of launches (cgroup.ts). Null: there are none, as with the shell. */
  readonly cgroups: string | null;
  /** Creates the groups for limits (limits.ts). Default: limits are refused. */
  readonly limitGroups?: LimitGroups;
  /** The scheduler's environment; jobs only see PATH, HOME, LANG, TZ and USER of it. */
  readonly environment: Environment;
  readonly secrets: Secrets;
  /** Folders with secrets for jobs of all users. Default: none. */
  readonly secretFolders?: readonly string[];
  readonly logBytesPerStream?: number;
}

export function createProcessLauncher(parts: ProcessLauncherParts): Launcher {
  const { dir, logBytesPerStream: logBytes = defaultBytesPerStream } = parts;
  const source = processSource();
  return createSupervisedLauncher({
    ...parts,
    engine: 'process',
    launches: createLaunches({ ...parts, logBytes, source }),
    watch: (emit) => new LaunchWatch({ ...parts, touched: join(dir, 'watched'), source, emit }),
    boot: () => source.boot,
    start: (spec, found) => processRequest(spec, parts, found),
    explain: (spec, ended) => explained(spec, ended, parts),
    async describe() {
      return {
        reachable: true,
        version: `${type()} ${release()}`,
        detail: `processes on ${hostname()}`,
        cpus: availableParallelism(),
        memoryBytes: totalmem(),
      };
    },
  });
}

/** Refused if the user is the reason. */
function explained(
  spec: LaunchSpec,
  { code, cwd }: EndedEarly,
  { supervisor, dir }: ProcessLauncherParts,
): CarillonError {
  const { user } = spec;
  const { claimLost, noFolder, noUser } = supervisorEnd;
  if (user !== null) {
    if (code === noUser) return notBecome(user);
    // The shell runs as the job's user, so it cannot claim what that user cannot reach.
    if (code === noFolder || (code === claimLost && supervisor === null))
      return outOfReach(cwd.startsWith(`${dir}/`) ? dir : cwd, user);
  }
  return supervisorFailed(spec, code);
}
