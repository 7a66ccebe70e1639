/**
 * Limits of a launch on processors, memory, processes and disk access: control groups with controllers, version 2, or
 * version 1 on hybrid systems. They are created before the launch and joined by its first process, so that nothing of it
 * ever runs without them. The supervisor removes them, and what it leaves is removed with the launch.
 *
 * A group of version 2 that has processes of its own cannot pass controllers on. So the scheduler must not be in the group
 * that is delegated to it, but below: cgroup.ts finds that one.
 */

import { constants } from 'node:fs';
import { access, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cgroupFolder } from '../cgroup-folder.ts';
import type { Limits } from '../supervised/launch.ts';
import { refused } from '../supervised/refusal.ts';
import { removeCgroup, removeCgroups } from './cgroup.ts';

export interface LimitGroups {
  /** Creates the groups of a launch, and returns their folders. LAUNCH_REFUSED, naming the limit, if that is not possible. */
  create(id: string, limits: Limits): Promise<readonly string[]>;
  /** Removes them, of a launch that did not start. */
  remove(folders: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

type ControllerName = 'cpu' | 'memory' | 'pids' | 'io';
interface Controller {
  /** For the groups of launches. */
  readonly folder: string;
  readonly version: 1 | 2;
}
/** A controller, or why it cannot be used. */
type Found = Controller | string;

const names: readonly ControllerName[] = ['cpu', 'memory', 'pids', 'io'];
const namesInV1 = { cpu: 'cpu', memory: 'memory', pids: 'pids', io: 'blkio' } as const;
const cpuPeriodUs = 100_000;
/** The system accepts no smaller quota. */
const leastQuotaUs = 1_000;

/** `cgroups`: the folder for the cgroups of version 2 (cgroup.ts), or null. Removes groups that are left. */
export async function openLimitGroups(cgroups: string | null, id: string): Promise<LimitGroups> {
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const self = await readFile('/proc/self/cgroup', 'utf8').catch(() => '');
  const controllers = {} as Record<ControllerName, Found>;
  for (const name of names) {
    const inV2 = cgroups === null ? noCgroups : await passOn(name, cgroups);
    const own = cgroupFolder(mountinfo, self, namesInV1[name]);
    controllers[name] = typeof inV2 === 'string' && own !== null ? await openV1(join(own, id)) : inV2;
  }
  return {
    create: (launch, limits) => create(controllers, launch, limits),
    remove,
    async close() {
      for (const found of Object.values(controllers))
        if (typeof found !== 'string' && found.version === 1) await removeCgroups(found.folder);
    },
  };
}

/** For the systemd unit of a scheduler whose jobs have limits. */
const unitSettings = 'In the systemd unit of the scheduler, set Delegate=yes and DelegateSubgroup=scheduler';
const noCgroups = 'there are no control groups that the scheduler may use';

/** Refuses every limit. */
export const noLimitGroups: LimitGroups = {
  create: (launch, limits) =>
    create({ cpu: noCgroups, memory: noCgroups, pids: noCgroups, io: noCgroups }, launch, limits),
  remove,
  close: async () => undefined,
};

async function passOn(name: ControllerName, cgroups: string): Promise<Found> {
  const base = dirname(cgroups);
  const offered = await readFile(join(base, 'cgroup.controllers'), 'utf8').catch(() => '');
  if (!offered.split(/\s+/).includes(name))
    return `the control group ${base} does not have the controller ${name}. ${unitSettings}`;
  try {
    for (const group of [base, cgroups]) await writeFile(join(group, 'cgroup.subtree_control'), `+${name}`);
    return { folder: cgroups, version: 2 };
  } catch (error) {
    // The second is that of controllers that know threads.
    return ['EBUSY', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')
      ? `the scheduler itself is in the control group ${base}, so no group below it can have limits. ${unitSettings}`
      : notAllowed(error);
  }
}

async function openV1(folder: string): Promise<Found> {
  try {
    await access(dirname(folder), constants.W_OK);
    await removeCgroups(folder);
    return { folder, version: 1 };
  } catch (error) {
    return notAllowed(error);
  }
}

const notAllowed = (error: unknown): string =>
  `the system does not let the scheduler create control groups (${(error as NodeJS.ErrnoException).code})`;

async function create(
  controllers: Readonly<Record<ControllerName, Found>>,
  id: string,
  limits: Limits,
): Promise<readonly string[]> {
  const folders = new Set<string>();
  try {
    for (const [name, limit] of wanted(limits)) {
      const found = controllers[name];
      if (typeof found === 'string') throw notLimited(limit, `because ${found}`);
      const folder = join(found.folder, id);
      await mkdir(folder, { recursive: true, mode: 0o755 });
      folders.add(folder);
      await set(folder, found.version === 1 ? limit.v1 : limit.v2).catch((error) => {
        throw notLimited(limit, `(${(error as NodeJS.ErrnoException).code})`);
      });
    }
    return [...folders];
  } catch (error) {
    await remove([...folders]);
    throw error;
  }
}

interface Limit {
  readonly field: string;
  readonly value: number;
  /** In order: file and value. Of several names the first that exists counts; with `?` it may be missing. */
  readonly v1: readonly (readonly [file: string, value: string])[];
  readonly v2: readonly (readonly [file: string, value: string])[];
}

function wanted({ cpus, memoryBytes, pids, ioWeight }: Limits): (readonly [ControllerName, Limit])[] {
  const limits: (readonly [ControllerName, Limit])[] = [];
  const add = (name: ControllerName, limit: Limit): void => void limits.push([name, limit]);
  if (cpus !== null) {
    const quota = String(Math.max(leastQuotaUs, Math.round(cpus * cpuPeriodUs)));
    const v1 = [
      ['cpu.cfs_period_us', String(cpuPeriodUs)],
      ['cpu.cfs_quota_us', quota],
    ] as const;
    add('cpu', { field: 'cpus', value: cpus, v1, v2: [['cpu.max', `${quota} ${cpuPeriodUs}`]] });
  }
  if (memoryBytes !== null) {
    const bytes = String(memoryBytes);
    const v1 = [
      ['memory.limit_in_bytes', bytes],
      // With swap: otherwise a job could use as much of that as it likes.
      ['memory.memsw.limit_in_bytes?', bytes],
    ] as const;
    const v2 = [
      ['memory.max', bytes],
      ['memory.swap.max?', '0'],
      ['memory.oom.group?', '1'],
    ] as const;
    add('memory', { field: 'memory', value: memoryBytes, v1, v2 });
  }
  if (pids !== null) {
    const max = [['pids.max', String(pids)]] as const;
    add('pids', { field: 'pids', value: pids, v1: max, v2: max });
  }
  if (ioWeight !== null) {
    const v1 = [['blkio.bfq.weight|blkio.weight', String(ioWeight)]] as const;
    const v2 = [['io.bfq.weight|io.weight', String(ioWeight)]] as const;
    add('io', { field: 'ioWeight', value: ioWeight, v1, v2 });
  }
  return limits;
}

async function set(folder: string, files: Limit['v1']): Promise<void> {
  for (const [file, value] of files) {
    const candidates = file.replace('?', '').split('|');
    const there = await firstThere(candidates.map((name) => join(folder, name)));
    if (there === null && file.endsWith('?')) continue;
    await writeFile(there ?? join(folder, candidates[0] ?? ''), value, { flag: 'r+' });
  }
}

async function firstThere(paths: readonly string[]): Promise<string | null> {
  for (const path of paths) {
    if (await stat(path).catch(() => null)) return path;
  }
  return null;
}

async function remove(folders: readonly string[]): Promise<void> {
  for (const folder of folders) await removeCgroup(folder);
}

const notLimited = ({ field, value }: Limit, why: string) =>
  refused(
    `run.resources.${field}`,
    value,
    `This host cannot limit ${field} to ${value} ${why}`,
    'a host with control groups, a container engine, or the job without it',
  );
