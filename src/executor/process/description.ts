/** The description of the process engine. */

import { isAbsolute, join } from 'node:path';
import { listOf, setting, whole } from '../../setting.ts';
import type { EngineWith } from '../engine.ts';
import { abilities, shellAbilities } from './abilities.ts';
import { cgroupName, openCgroups, removeCgroup } from './cgroup.ts';
import { createProcessLauncher } from './launcher.ts';
import { noLimitGroups, openLimitGroups } from './limits.ts';

const folders = listOf(
  {
    placeholder: 'folder,…',
    allowed: 'absolute paths of folders, such as /run/secrets,/etc/carillon/secrets',
  },
  (path) => isAbsolute(path),
);

const settings = {
  secretDir: setting(
    folders,
    Object.freeze([]),
    'Folders with secret files that processes of any user may use; may be repeated.',
  ),
  processConcurrency: setting(whole(1, 100_000), 64, 'Maximum concurrent processes on this host.'),
  processStarts: setting(
    whole(1, 10_000),
    256,
    'Maximum concurrent starts of processes. A shell supervisor uses the limit of all engines.',
  ),
};

export const processEngine: EngineWith<typeof settings> = {
  name: 'process',
  abilities,
  settings,
  enabledBy: null,
  perNode: true,
  // A single node that holds its store's lock cannot be paused while its processes continue; the rest is a
  // margin for clocks.
  tombstoneMs: 60_000,
  async create(parts, { secretDir, processConcurrency, processStarts }) {
    const { installation, clock, log, logs, logBytesPerStream, environment, supervisor } = parts;
    const dir = join(parts.dataDir, processEngine.name);
    const cgroups = supervisor === null ? null : await openCgroups(dir, log);
    const limitGroups = supervisor === null ? noLimitGroups : await openLimitGroups(cgroups, cgroupName(dir));
    return {
      launcher: createProcessLauncher({
        dir,
        installation,
        clock,
        log,
        logs,
        logBytesPerStream,
        environment,
        supervisor,
        cgroups,
        limitGroups,
        secrets: parts.secrets,
        secretFolders: secretDir,
      }),
      concurrency: processConcurrency,
      ...(supervisor === null && { abilities: shellAbilities }),
      // Starts wait for the disk together, so many at once cost no more than few.
      ...(supervisor !== null && { startsInFlight: processStarts }),
      address: null,
      close: async () => {
        await limitGroups.close();
        // The system keeps it while jobs run in groups below it.
        if (cgroups !== null) await removeCgroup(cgroups);
      },
    };
  },
};
