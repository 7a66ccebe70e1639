/** What a job cannot reach: what is open elsewhere, its supervisor, and what others own. */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { chmod } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { cgroupFolder } from '../../../src/executor/cgroup-folder.ts';
import { isCgroupPopulated } from '../../../src/executor/process/cgroup.ts';
import { processSource } from '../../../src/executor/process/table.ts';
import { parseLaunchFile } from '../../../src/executor/supervised/journal.ts';
import { until } from '../../support/until.ts';
import { warnings } from './harness.ts';
import { world } from './world.ts';

const linux = process.platform === 'linux';
const root = process.getuid?.() === 0;
const compiles = spawnSync('gcc', ['--version']).status === 0;
/** Signals that nobody can catch. */
const [KILL, STOP] = [9, 19];

const wordsOf = (path: string): string[] =>
  existsSync(path) ? readFileSync(path, 'utf8').split(/\s+/).filter(Boolean) : [];
const alive = async (pid: string): Promise<boolean> => (await processSource().find(Number(pid))) !== null;

/** Leaders of sessions, with what is in their groups. */
async function end(pids: readonly string[]): Promise<void> {
  for (const pid of pids) {
    process.kill(-Number(pid), 'SIGKILL');
    await until(`${pid} is gone`, async () => !(await alive(pid)));
  }
}

describe.each(['program', 'shell'] as const)('a job under the %s', (under) => {
  const { run } = world(under);

  test('has the usual soft limit of open files, which Node raises, and may raise it itself', async () => {
    const { output } = await run('ulimit -S -n; ulimit -S -n $(ulimit -H -n) && ulimit -S -n');
    const own = execFileSync('/bin/sh', ['-c', 'ulimit -H -n'], { encoding: 'utf8' });
    expect(output).toBe(`1024\n${own}`);
  });
});

describe.skipIf(!linux)('a job of the process engine', () => {
  const { run, begin, job, trace } = world('cgroups');

  test.each(root ? ['nobody', null] : [null])(
    'as %s has descriptors 0, 1 and 2 and no other',
    async (user) => {
      const directory = openSync('/', 'r');
      try {
        const { output } = await run('ls /proc/$$/fd; readlink /proc/$$/fd/0', { user });
        expect(output).toBe('0\n1\n2\n/dev/null\n');
      } finally {
        closeSync(directory);
      }
    },
  );

  test.each(root ? ['nobody', null] : [null])(
    'as %s shows no address of its downloads in the list of processes, and reads none itself',
    async (user) => {
      const listed: string[] = [];
      const server = createServer((_, response) => {
        for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
          const file = `/proc/${pid}/cmdline`;
          listed.push(spawnSync('cat', [file], { encoding: 'utf8' }).stdout);
        }
        response.end('fetched ');
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const uri = `http://ann:hidden-word@127.0.0.1:${port}/x`;
      const fetch = [{ uri, output: 'x', executable: false, extract: false }];
      const { output, exitCode } = await run('cat x - 2>&1; readlink /proc/$$/fd/0', { user, fetch });
      server.close();
      expect([output.replaceAll(/^carillon: .*\n/gm, ''), exitCode]).toEqual(['fetched /dev/null\n', 0]);
      expect(listed.join()).toContain('readFileSync(0');
      expect(listed.join()).not.toContain('hidden-word');
    },
  );

  test.runIf(root)('begins in no folder that only a capability of the scheduler reaches', async () => {
    const shut = trace();
    mkdirSync(join(shut, 'open'), { recursive: true });
    await chmod(shut, 0o700);
    const child = spawn('sleep', ['60'], { cwd: join(shut, 'open') });
    try {
      await expect(run('pwd', { user: 'nobody', workdir: `/proc/${child.pid}/cwd` })).rejects.toMatchObject({
        code: 'LAUNCH_REFUSED',
        details: { field: 'run.user' },
      });
    } finally {
      child.kill();
    }
  });

  test('keeps its exit code, whatever signal it sends to its group', async () => {
    const { launcher, ended } = await begin();
    const signals = Array.from({ length: 64 }, (_, n) => n + 1);
    // dash has no names for the signals beyond 31 and cannot trap 32 and 33: this is what every language does.
    const script = (signal: number) => `
import os, signal, sys
if ${signal} not in (${KILL}, ${STOP}, 32, 33): signal.signal(${signal}, lambda *_: None)
if ${signal} in (32, 33, ${KILL}): sys.exit(7) if os.fork() == 0 else os.wait()
os.kill(0, ${signal}) if ${signal} != ${STOP} else None
sys.exit(7)`;
    const specs = signals.map((signal) => job('', { argv: ['python3', '-c', script(signal)] }));
    for (const spec of specs) await launcher.launch(spec);
    const codes: Record<number, number | null> = {};
    for (const [index, spec] of specs.entries()) {
      codes[signals[index]!] = (await ended(spec.launchName)).exitCode;
    }
    // A signal that it does not or cannot catch ends it, and is its reason.
    const expected = signals.map((signal) => [signal, [KILL, 32, 33].includes(signal) ? 128 + signal : 7]);
    expect(codes).toEqual(Object.fromEntries(expected));
  }, 60_000);

  test.each(['USR1', 'QUIT', 'TERM', 'RTMIN'])(
    'keeps its exit code when it sends %s to its parent and its parent’s group',
    async (name) => {
      const group = '$(cut -d" " -f5 /proc/$PPID/stat)';
      const { exitCode } = await run(`/bin/kill -s ${name} $PPID; /bin/kill -s ${name} -- -${group}; exit 6`);
      expect(exitCode).toBe(6);
    },
  );

  test.runIf(root)('of another user cannot end its supervisor', async () => {
    const { exitCode, output } = await run('kill -9 $PPID && echo done; exit 5', { user: 'nobody' });
    expect({ exitCode, done: output.includes('done') }).toEqual({ exitCode: 5, done: false });
  });
});

/** Fills a folder, and when somebody begins to empty it exchanges it for a link to another. */
const swapperSource = `#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int count, char **argv) {
  char name[16];
  struct stat before, now;
  if (setsid() < 0 || mkdir("a", 0700) || symlink(argv[1], argv[3])) return 1;
  for (int n = 0; n < 500; n++) sprintf(name, "a/%d", n), close(creat(name, 0600));
  stat("a", &before);
  close(creat(argv[2], 0600));
  do stat("a", &now);
  while (now.st_mtim.tv_sec == before.st_mtim.tv_sec && now.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
  renameat2(AT_FDCWD, "a", AT_FDCWD, argv[3], RENAME_EXCHANGE);
  pause();
}`;

/** Without a cgroup, and under the program without its supervisor, it survives the run. */
for (const under of ['program', 'shell'] as const) {
  describe.skipIf(!linux || !compiles)(`what puts links in the place of folders, with ${under}`, () => {
    const { begin, job, trace, harness } = world(under);
    let swapper = '';
    beforeAll(() => {
      swapper = join(harness().traces, 'swapper');
      writeFileSync(`${swapper}.c`, swapperSource);
      execFileSync('gcc', ['-O1', '-w', '-o', swapper, `${swapper}.c`]);
    });

    test.each(root ? ['nobody', null] : [null])(
      'as %s does not have another folder emptied',
      async (user) => {
        const { launcher, ended } = await begin();
        const victim = trace();
        mkdirSync(victim, { mode: 0o700 });
        for (let n = 0; n < 500; n++) writeFileSync(join(victim, String(n)), '');
        const [ready, leader, gate] = [trace(), trace(), trace()];
        const script = `${swapper} "$0" ${ready} ${trace()} & echo $! > ${leader}; while [ ! -e ${gate} ]; do sleep 0.02; done`;
        const spec = job('', { user, argv: ['sh', '-c', script, victim] });
        await launcher.launch(spec);
        await until('it is ready', () => existsSync(ready));
        const path = join(harness().dir, 'launches', spec.launchName);
        if (under === 'program') {
          process.kill(parseLaunchFile(readFileSync(path)).journal.supervisor!.pid, 'SIGKILL');
        }
        writeFileSync(gate, '');
        await ended(spec.launchName);
        await launcher.remove(spec.launchName);
        await end(wordsOf(leader));
        expect(readdirSync(victim)).toHaveLength(500);
        expect(readdirSync(join(harness().dir, 'launches'))).not.toContain(spec.launchName);
        // What it puts into a folder that was just emptied stays, in the scratch folder.
        warnings.splice(0);
      },
    );
  });
}

for (const under of ['cgroups', 'program', 'shell'] as const) {
  describe.skipIf(!linux)(`what a job leaves behind, with ${under}`, () => {
    const { begin, job, trace } = world(under);
    const leaves = (pids: string): string =>
      `sh -c 'echo $$ >> ${pids}; exec sleep 1000' & setsid sh -c 'echo $$ >> ${pids}; exec sleep 1000' & `;

    test('in its group keeps the run going, and a kill takes it', async () => {
      const { launcher, seen, ended } = await begin();
      const pids = trace();
      const spec = job(`sh -c 'echo $$ > ${pids}; exec sleep 1000' & exit 3`);
      await launcher.launch(spec);
      await until('it runs', () => wordsOf(pids).length === 1);
      expect(await launcher.inventory()).toMatchObject([{ state: 'running' }]);
      expect(seen.some(({ kind }) => kind === 'ended')).toBe(false);
      await launcher.kill(spec.launchName, 10_000);
      expect((await ended(spec.launchName)).exitCode).toBe(3);
      expect(await alive(wordsOf(pids)[0]!)).toBe(false);
    });

    test('in a session of its own belongs to the run, but not under a shell', async () => {
      const { launcher, ended } = await begin();
      const pids = trace();
      const spec = job(`${leaves(pids)} exit 3`);
      await launcher.launch(spec);
      await until('both run', () => wordsOf(pids).length === 2);
      await launcher.kill(spec.launchName, 10_000);
      await ended(spec.launchName);
      const left = [];
      for (const pid of wordsOf(pids)) if (await alive(pid)) left.push(pid);
      expect(left).toHaveLength(under === 'shell' ? 1 : 0);
      await end(left);
    });

    test('and ignores TERM is ended by KILL, which takes all sessions at once', async () => {
      const { launcher, ended } = await begin();
      const pids = trace();
      const stubborn = `trap "" TERM; echo $$ >> ${pids}; while :; do sleep 1000; done`;
      const spec = job(`sh -c '${stubborn}' & setsid sh -c '${stubborn}' & trap 'exit 4' TERM; wait`);
      await launcher.launch(spec);
      await until('both run', () => wordsOf(pids).length === 2);
      await launcher.kill(spec.launchName, 100);
      expect((await ended(spec.launchName)).exitCode).toBe(4);
      const left = [];
      for (const pid of wordsOf(pids)) if (await alive(pid)) left.push(pid);
      expect(left).toHaveLength(under === 'shell' ? 1 : 0);
      await end(left);
    });
  });
}

describe.skipIf(!linux)('a launch’s cgroup', () => {
  const { begin, job, trace, harness } = world('cgroups');

  test('holds the run over a restart of the scheduler, and goes with it', async () => {
    const { cgroups } = harness();
    if (cgroups === null) return;
    const first = await begin();
    const pids = trace();
    const spec = job(`setsid sh -c 'echo $$ > ${pids}; exec sleep 1000' & exit 0`);
    await first.launcher.launch(spec);
    await until('it runs', () => wordsOf(pids).length === 1);
    const [group = ''] = readdirSync(cgroups, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(cgroups, name));
    expect(await isCgroupPopulated(group)).toBe(true);
    await first.launcher.stop();
    const { launcher, ended } = await begin();
    expect(await launcher.inventory()).toMatchObject([{ state: 'running' }]);
    await launcher.kill(spec.launchName, 0);
    expect((await ended(spec.launchName)).exitCode).toBe(0);
    expect(await alive(wordsOf(pids)[0]!)).toBe(false);
    expect(existsSync(group)).toBe(false);
  });

  test('that something entered after the end is emptied before the launch’s folder goes', async () => {
    const { cgroups } = harness();
    if (cgroups === null) return;
    const { launcher, ended } = await begin();
    const spec = job('exit 0');
    await launcher.launch(spec);
    await ended(spec.launchName);
    const path = join(harness().dir, 'launches', spec.launchName);
    const group = parseLaunchFile(readFileSync(path)).record?.cgroup ?? '';
    // With one that the job made in it.
    mkdirSync(join(group, 'inner'), { recursive: true });
    const pids = trace();
    spawnSync('sh', ['-c', `echo 0 > ${group}/inner/cgroup.procs; sleep 1000 >&- 2>&- & echo $! > ${pids}`]);
    expect(await isCgroupPopulated(group)).toBe(true);
    await launcher.remove(spec.launchName);
    expect(await alive(wordsOf(pids)[0]!)).toBe(false);
    expect([existsSync(group), existsSync(path)]).toEqual([false, false]);
  });

  test.each<[string, string, string, string | null]>([
    [
      'a host',
      '24 1 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw',
      '0::/a.slice/b',
      '/sys/fs/cgroup/a.slice/b',
    ],
    [
      'a hybrid host',
      '31 1 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n24 1 0:22 / /sys/fs/cgroup/unified rw - cgroup2 x rw',
      '3:cpu:/x\n0::/',
      '/sys/fs/cgroup/unified',
    ],
    [
      'a container that sees its own branch',
      '24 1 0:22 /docker/1 /mnt/with\\040space rw - cgroup2 cgroup rw',
      '0::/docker/1/in',
      '/mnt/with space/in',
    ],
    [
      'a container whose branch is not mounted',
      '24 1 0:22 /docker/2 /c rw - cgroup2 c rw',
      '0::/docker/1',
      null,
    ],
    ['a namespace that it is outside of', '24 1 0:22 / /c rw - cgroup2 c rw', '0::/../other', null],
    ['a host without version 2', '31 1 0:27 / /c rw - cgroup cgroup rw,cpu', '3:cpu:/x', null],
  ])('lies below the scheduler’s own: %s', (_, mountinfo, self, path) => {
    expect(cgroupFolder(mountinfo, self)).toBe(path);
  });
});
