/** Limits of processes: of their resources, of the system for each of them, and of their time without a scheduler. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cgroupFolder } from '../../../src/executor/cgroup-folder.ts';
import { cgroupName, delegated } from '../../../src/executor/process/cgroup.ts';
import { noLimitGroups, openLimitGroups } from '../../../src/executor/process/limits.ts';
import { until } from '../../support/until.ts';
import { beginningOf } from './harness.ts';
import { world } from './world.ts';

const root = process.getuid?.() === 0;
/** This machine's hierarchies of version 1 with a controller, if it has some. */
const own = (controller: string): string | null =>
  cgroupFolder(
    readFileSync('/proc/self/mountinfo', 'utf8'),
    readFileSync('/proc/self/cgroup', 'utf8'),
    controller,
  );
const limited = root && process.platform === 'linux' && own('memory') !== null;

/** Prints a file of the job's own group. */
const show = (controller: string, file: string): string =>
  `cat /sys/fs/cgroup/${controller}$(sed -n 's/^[0-9]*:${controller}://p' /proc/self/cgroup)/${file}`;

describe.skipIf(!limited)('a process with limits of its resources', () => {
  const { run, job, begin, harness } = world('cgroups');
  const groups = () =>
    ['memory', 'cpu', 'pids', 'blkio'].flatMap((controller) => {
      const folder = join(own(controller) ?? '', cgroupName(harness().dir));
      // Made for the first launch that needs it.
      if (!existsSync(folder)) return [];
      return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    });

  test('that uses more memory is ended, and the reason says so', async () => {
    const { exitCode, reason, cause } = await run('exec tail /dev/zero', {
      memoryBytes: 32 * 2 ** 20,
    });
    expect(exitCode).toBe(137);
    expect(reason).toBe('Out of memory: run.resources.memory was used up (exit code 137)');
    expect(cause).toEqual({ code: 'out-of-memory' });
    expect(groups()).toEqual([]);
  });

  test('that stays within them is not disturbed, and its exit code is its own', async () => {
    const { exitCode, reason } = await run('exit 7', { memoryBytes: 64 * 2 ** 20, cpus: 2, pids: 20 });
    expect(exitCode).toBe(7);
    expect(reason).toBeUndefined();
  });

  test('cannot start more processes than it may', async () => {
    const script = 'for i in 1 2 3 4 5 6; do sleep 2 & done; echo all';
    const { exitCode, output } = await run(script, { pids: 3 });
    expect(exitCode).not.toBe(0);
    expect(output).toMatch(/fork/i);
    expect(output).not.toContain('all');
  });

  test('has its share of the processors and of the disk', async () => {
    const script = `${show('cpu', 'cpu.cfs_quota_us')}; ${show('blkio', 'blkio*weight')} | head -1`;
    const { output } = await run(script, { cpus: 0.5, ioWeight: 500 });
    expect(output).toBe('50000\n500\n');
  });

  test('has them from its first instruction on, and so have its children', async () => {
    const script = `sh -c 'cat /proc/self/cgroup'`;
    const { output } = await run(script, { memoryBytes: 64 * 2 ** 20, pids: 20 });
    expect(output).toMatch(/:memory:.*\/carillon-/);
    expect(output).toMatch(/:pids:.*\/carillon-/);
    expect(output).not.toMatch(/:cpu:.*\/carillon-/);
  });

  test('leaves no group behind, also when it cannot start', async () => {
    const { launcher } = await begin();
    const spec = job('true', { memoryBytes: 64 * 2 ** 20, workdir: '/proc/1/task/1/cwd/none' });
    await launcher.launch(spec).catch(() => undefined);
    const refusedLater = job('true', {
      pids: 5,
      ulimits: [{ name: 'nofile', soft: 2 ** 40, hard: 2 ** 40 }],
    });
    await expect(launcher.launch(refusedLater)).rejects.toMatchObject({ code: 'LAUNCH_REFUSED' });
    expect(groups()).toEqual([]);
  });

  test('leaves no group behind when its request is refused', async () => {
    const { launcher } = await begin();
    const tooLong = job('true', { pids: 5, env: { LONG: 'x'.repeat(200_000) } });
    await expect(launcher.launch(tooLong)).rejects.toMatchObject({ code: 'LAUNCH_REFUSED' });
    expect(groups()).toEqual([]);
  });

  test('leaves no group behind when its supervisor is killed, or when it made groups within', async () => {
    const { launcher, ended } = await begin();
    const within = `mkdir /sys/fs/cgroup/pids$(sed -n 's/^[0-9]*:pids://p' /proc/self/cgroup)/own`;
    const specs = [job('kill -9 $PPID', { pids: 5, cpus: 1 }), job(within, { pids: 5 })];
    for (const spec of specs) {
      await launcher.launch(spec);
      await ended(spec.launchName);
      await launcher.remove(spec.launchName);
    }
    expect(groups()).toEqual([]);
  });

  test('leaves no group behind when its supervisor is killed while it waits for its due time', async () => {
    const { launcher } = await begin();
    const { ahead } = launcher;
    const spec = job('true', { pids: 5, cpus: 1 });
    await ahead?.prepare(spec, { warm: true, forMs: 60_000, mayStart: () => true });
    const [group] = groups();
    const members = join(group!.parentPath, group!.name, 'cgroup.procs');
    const pid = await until('its process is in it', () => readFileSync(members, 'utf8').trim());
    const supervisor = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    process.kill(Number(supervisor), 'SIGKILL');
    await until('it is not held', () => !ahead?.isHeld(spec.launchName));
    await launcher.remove(spec.launchName);
    expect(groups()).toEqual([]);
  });

  test('with less memory than it needs to begin is refused, with the limit', async () => {
    const { launcher } = await begin();
    await expect(launcher.launch(job('true', { memoryBytes: 1 }))).rejects.toMatchObject({
      code: 'LAUNCH_REFUSED',
      details: { field: 'run.resources.memory' },
    });
    expect(groups()).toEqual([]);
  });
});

describe('on a host without groups', () => {
  const none = { cpus: null, memoryBytes: null, pids: null, ioWeight: null };

  test.each([
    ['cpus', { cpus: 0.5 }],
    ['memory', { memoryBytes: 1_000_000 }],
    ['pids', { pids: 3 }],
    ['ioWeight', { ioWeight: 50 }],
  ] as const)('a limit of %s is refused with the reason', async (field, limit) => {
    await expect(noLimitGroups.create('a', { ...none, ...limit })).rejects.toMatchObject({
      code: 'LAUNCH_REFUSED',
      message: expect.stringContaining('because there are no control groups that the scheduler may use'),
      details: { field: `run.resources.${field}` },
    });
  });

  test('what asks for none is not', async () => {
    expect(await noLimitGroups.create('a', none)).toEqual([]);
  });
});

describe('version 2', () => {
  test.each([
    ['a unit that does not delegate', '/c/system.slice/carillon.service', '/c/system.slice/carillon.service'],
    [
      'a unit that delegates',
      '/c/system.slice/carillon.service/scheduler',
      '/c/system.slice/carillon.service',
    ],
    [
      'a unit of a user',
      '/c/user.slice/user-1000.slice/user@1000.service/app.slice/carillon.service/scheduler',
      '/c/user.slice/user-1000.slice/user@1000.service/app.slice/carillon.service',
    ],
    ['no unit', '/c/x', '/c/x'],
  ])('groups of launches are below the unit: %s', (_, from, to) => {
    expect(delegated(from)).toBe(to);
  });

  test('passes its controllers on, and writes what the system reads', async () => {
    const base = mkdtempSync(join(tmpdir(), 'carillon-limits-'));
    const launches = join(base, 'carillon-x');
    try {
      mkdirSync(launches);
      writeFileSync(join(base, 'cgroup.controllers'), 'cpuset cpu io memory pids\n');
      const groups = await openLimitGroups(launches, 'carillon-x');
      expect(readFileSync(join(base, 'cgroup.subtree_control'), 'utf8')).toBe('+io');
      expect(readFileSync(join(launches, 'cgroup.subtree_control'), 'utf8')).toBe('+io');
      // The system makes these with the group.
      const group = join(launches, 'a');
      mkdirSync(group);
      const files = ['cpu.max', 'memory.max', 'memory.swap.max', 'memory.oom.group', 'pids.max', 'io.weight'];
      for (const file of files) writeFileSync(join(group, file), '');
      const wanted = { cpus: 1.5, memoryBytes: 1_000, pids: 9, ioWeight: 300 };
      expect(await groups.create('a', wanted)).toEqual([group]);
      expect(files.map((file) => readFileSync(join(group, file), 'utf8'))).toEqual([
        ...['150000 100000', '1000', '0', '1', '9', '300'],
      ]);
    } finally {
      rmSync(base, { recursive: true });
    }
  });
});

describe('a process', () => {
  const { run, job, begin, harness } = world('program');

  test('has the limits of the system that its job sets', async () => {
    const ulimits = [
      { name: 'nofile', soft: 100, hard: 200 },
      { name: 'core', soft: 0, hard: 0 },
      { name: 'stack', soft: -1, hard: -1 },
    ];
    const { output } = await run('ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Ss', { ulimits });
    expect(output).toBe('100\n200\n0\nunlimited\n');
  });

  test.each([0, 1, 2, 3])('that may open %i files can still print why it cannot go on', async (files) => {
    const { exitCode, output } = await run('true', {
      ulimits: [{ name: 'nofile', soft: files, hard: files }],
    });
    expect(exitCode).toBe(127);
    expect(output).toMatch(/shared librar/);
  });

  test('has the usual umask, whatever the scheduler was started with', async () => {
    const before = process.umask(0o077);
    try {
      expect((await run('umask')).output).toMatch(/^0?022\n$/);
    } finally {
      process.umask(before);
    }
  });

  test.skipIf(!root)('is refused if the system does not take a limit', async () => {
    const { launcher } = await begin();
    for (const limit of [2 ** 40, -1]) {
      const spec = job('true', { ulimits: [{ name: 'nofile', soft: limit, hard: limit }] });
      await expect(launcher.launch(spec)).rejects.toMatchObject({
        code: 'LAUNCH_REFUSED',
        details: { field: 'run.ulimits', allowed: expect.stringContaining('fs.nr_open') },
      });
    }
  });

  describe('that runs longer than its timeout', () => {
    const overtime = { afterMs: 200, graceMs: 300 };
    async function start(script: string) {
      const { launches } = harness();
      await launches.prepare();
      const spec = job(script);
      const beginning = beginningOf(spec);
      const begun = await launches.begin(
        { ...beginning, start: { ...beginning.start, overtime } },
        () => true,
      );
      if (begun.kind !== 'started') throw new Error(begun.kind);
      return { name: spec.launchName, exited: begun.exited };
    }

    test.each([
      ['obeys', 'sleep 60', 143],
      ['does not', "trap '' TERM; while :; do sleep 1; done", 137],
    ])(
      'is ended by its supervisor when no scheduler does, whether it obeys: %s',
      async (_, script, exitCode) => {
        const { create, dir } = harness();
        // The last scheduler has been gone for a while.
        rmSync(join(dir, 'watched'), { force: true });
        await (await start(script)).exited;
        const launcher = create();
        await launcher.start();
        const [report] = await launcher.inventory();
        await launcher.stop();
        expect(report).toMatchObject({ state: 'ended', exitCode, cause: { code: 'timeout-enforced' } });
      },
    );

    test('is left to a scheduler that watches it: its timeout may have been changed', async () => {
      const { dir } = harness();
      const other = await begin();
      await other.launcher.launch(job('sleep 2'));
      await until('the scheduler watches', () => existsSync(join(dir, 'watched')));
      const { name } = await start('sleep 1; exit 7');
      await other.launcher.inventory();
      const { exitCode, cause } = await other.ended(name);
      expect({ exitCode, cause }).toEqual({ exitCode: 7, cause: undefined });
    });
  });
});
