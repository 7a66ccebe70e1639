/** A process launcher over a folder of its own, for the conformance suite and the tests beside it. */

import { mkdtempSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createRunLogs } from '../../../src/executor/logs/run-logs.ts';
import { cgroupName, openCgroups, removeCgroup } from '../../../src/executor/process/cgroup.ts';
import { createProcessLauncher, type ProcessLauncherParts } from '../../../src/executor/process/launcher.ts';
import { createLaunches } from '../../../src/executor/process/launches.ts';
import { noLimitGroups, openLimitGroups } from '../../../src/executor/process/limits.ts';
import { processSource } from '../../../src/executor/process/table.ts';
import type { Beginning, Launches } from '../../../src/executor/supervised/launch.ts';
import { installSupervisor } from '../../../src/executor/supervisor/file.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { LaunchSpec } from '../../../src/scheduler/job/spec.ts';
import type { Launcher, Log } from '../../../src/scheduler/ports.ts';
import type { LauncherHarness } from '../../conformance/launcher.ts';
import { secretsFrom } from '../../support/secrets.ts';
import { processSpec } from '../launch-spec.ts';

/** A warning is a finding: no test here expects one. */
export const warnings: string[] = [];
const log: Log = {
  debug: () => {},
  info: () => {},
  warn: (fields, event) => void warnings.push(`${event} ${JSON.stringify(fields)}`),
  error: (fields, event) => void warnings.push(`${event} ${JSON.stringify(fields)}`),
};

export interface ProcessHarness extends LauncherHarness {
  readonly dir: string;
  /** Null: jobs are under a shell. */
  readonly supervisor: string | null;
  readonly cgroups: string | null;
  readonly launches: Launches;
  create(options?: Partial<ProcessLauncherParts>): Launcher;
}

/** With all that this system offers, without cgroups, or under a shell. */
export async function processHarness(
  under: 'cgroups' | 'program' | 'shell' = 'cgroups',
): Promise<ProcessHarness> {
  const root = mkdtempSync(join(tmpdir(), 'carillon-process-'));
  const dir = join(root, 'data');
  const traces = join(root, 'traces');
  await mkdir(traces);
  const supervisor = under === 'shell' ? null : await installSupervisor(dir, log);
  const cgroups = under === 'cgroups' && supervisor !== null ? await openCgroups(dir, log) : null;
  const limitGroups = cgroups === null ? noLimitGroups : await openLimitGroups(cgroups, cgroupName(dir));
  const source = processSource();
  const launches = createLaunches({
    dir,
    clock: realClock,
    log,
    supervisor,
    cgroups,
    limitGroups,
    source,
    logBytes: 1_000_000,
  });
  const create: ProcessHarness['create'] = (options = {}) =>
    createProcessLauncher({
      dir,
      installation: 'conformance',
      clock: realClock,
      log,
      supervisor,
      cgroups,
      limitGroups,
      logs: createRunLogs({ dir: join(dir, 'logs'), clock: realClock }),
      secrets: secretsFrom(),
      environment: { PATH: process.env.PATH, HOME: process.env.HOME, SECRET_OF_THE_SCHEDULER: 'x' },
      ...options,
    });
  return {
    dir,
    supervisor,
    cgroups,
    launches,
    traces,
    tracesInJob: traces,
    create,
    createLauncher: (installation = 'conformance') => create({ installation }),
    spec: (script, overrides) => processSpec(script, overrides),
    async leaveCreated(spec) {
      await launches.prepare();
      const begun = await launches.begin(beginningOf(spec), () => false);
      expect(begun.kind).toBe('withdrawn');
    },
    async everythingKept(launchName) {
      const paths = await readdir(dir, { recursive: true, withFileTypes: true });
      const files = paths.filter(
        (entry) => entry.isFile() && join(entry.parentPath, entry.name).includes(launchName),
      );
      expect(files.length).toBeGreaterThan(0);
      const contents = files.map((entry) => readFile(join(entry.parentPath, entry.name), 'utf8'));
      return (await Promise.all(contents)).join('\n');
    },
    async close() {
      await launches.stop();
      expect(await processesIn(root)).toEqual([]);
      await limitGroups.close();
      if (cgroups !== null) expect(await removeCgroup(cgroups)).toBe(true);
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** What a launcher creates for a launch. */
export function beginningOf(spec: LaunchSpec): Beginning {
  const { launchName: name, installation: cluster, term, job, run, attempt, due } = spec;
  const record = { cluster, term, job, run, attempt, due, createdAt: Date.now(), boot: processSource().boot };
  return {
    name,
    record,
    limits: spec,
    start: {
      argv: spec.argv ?? [],
      env: {},
      cwd: null,
      owner: null,
      input: null,
      masks: [],
      systemLimits: [],
      overtime: null,
    },
  };
}

/** Command lines of living processes that name this folder. */
export async function processesIn(root: string): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.includes(root));
}
