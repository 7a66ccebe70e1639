import { fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { shellAbilities } from '../../../src/executor/process/abilities.ts';
import { processEngine } from '../../../src/executor/process/description.ts';
import { createLaunches } from '../../../src/executor/process/launches.ts';
import { processSource } from '../../../src/executor/process/table.ts';
import { type Journal, parseLaunchFile } from '../../../src/executor/supervised/journal.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { LaunchSpec } from '../../../src/scheduler/job/spec.ts';
import type { Launcher } from '../../../src/scheduler/ports.ts';
import { launcherConformance } from '../../conformance/launcher.ts';
import { until } from '../../support/until.ts';
import { crashSpec } from '../launch-spec.ts';
import { beginningOf, processHarness } from './harness.ts';
import { world } from './world.ts';

launcherConformance(processEngine, processHarness);
launcherConformance(processEngine, () => processHarness('program'), { limits: 'without cgroups' });
launcherConformance(processEngine, () => processHarness('shell'), {
  skips: {
    times: 'a shell lets the job write both files by itself',
    masks: 'a shell lets the job write both files by itself',
  },
  limits: 'under a shell',
  abilities: shellAbilities,
});

const linux = process.platform === 'linux';
const root = process.getuid?.() === 0;

describe('the process engine', () => {
  const { begin, job, trace: tracePath, harness } = world('cgroups');
  const linesOf = (path: string) =>
    existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
  const pathOf = (name: string) => join(harness().dir, 'launches', name);
  /** A launch under the shell. */
  const directoryOf = async (name: string) => join(pathOf(name), (await readdir(pathOf(name)))[0]!);
  const journalOf = (name: string) => parseLaunchFile(readFileSync(pathOf(name))).journal;
  const supervisorOf = (name: string) => journalOf(name).supervisor!.pid;
  /** Changes words of a launch's file, each into one of the same length. */
  function rewrite(name: string, words: readonly (readonly [from: string, to: string])[]): void {
    let text = readFileSync(pathOf(name), 'latin1');
    for (const [from, to] of words) text = text.replaceAll(from, to.padStart(from.length, '0'));
    writeFileSync(pathOf(name), text, 'latin1');
  }
  /** The job with its group, and its supervisor. */
  function killAtOnce({ job, supervisor }: Journal): void {
    for (const { pid } of [supervisor!, job ?? supervisor!]) process.kill(-pid, 'SIGKILL');
  }
  /** The children of this process that start supervisors. */
  const serving = (): number[] =>
    readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter((pid) => {
        const [program, command] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return program === harness().supervisor && command === 'serve';
      })
      .map(Number);
  /** Of another scheduler in this folder. */
  const launchesOf = (supervisor: string | null) =>
    createLaunches({
      dir: harness().dir,
      clock: realClock,
      log: { debug() {}, info() {}, warn() {}, error() {} },
      supervisor,
      cgroups: null,
      source: processSource(),
      logBytes: 1_000_000,
    });
  async function output(launcher: Launcher, name: string): Promise<string> {
    const parts: Uint8Array[] = [];
    for await (const { bytes } of launcher.logs(name, {})) parts.push(bytes);
    return Buffer.concat(parts).toString();
  }

  describe('knows its processes', () => {
    test.runIf(linux)(
      'a number given to another process is not the job: lost, and never killed',
      async () => {
        const first = await begin();
        const spec = job('exec sleep 30');
        await first.launcher.launch(spec);
        await first.launcher.stop();
        const journal = journalOf(spec.launchName);
        const { pid } = journal.job ?? journal.supervisor!;
        // The file now tells of processes that had these numbers before, and of no cgroup.
        const began = [journal.supervisor!, journal.job!].map(
          (identity) => [` ${identity.began}`, ' 1'] as const,
        );
        rewrite(spec.launchName, [['in-cgroup', 'no-cgroup'], ...began]);
        const second = await begin();
        expect(await second.launcher.inventory()).toMatchObject([{ state: 'ended', exitCode: null }]);
        await second.launcher.kill(spec.launchName, 0);
        expect(() => process.kill(pid, 0)).not.toThrow();
        killAtOnce(journal);
      },
    );

    test('a supervisor killed with its job is lost', async () => {
      const { launcher, ended } = await begin();
      const spec = job('sleep 30');
      await launcher.launch(spec);
      killAtOnce(journalOf(spec.launchName));
      const end = await ended(spec.launchName);
      expect(end.exitCode).toBeNull();
      expect(end.reason).toMatch(/^Lost: its supervisor was killed/);
    });

    test('a supervisor killed alone leaves the job running, and killable', async () => {
      const first = await begin();
      const ready = tracePath();
      const spec = job(`echo > ${ready}; while :; do sleep 0.02; done`);
      await first.launcher.launch(spec);
      await until('the job runs', () => existsSync(ready));
      process.kill(supervisorOf(spec.launchName), 'SIGKILL');
      await first.launcher.stop();
      const { launcher, ended } = await begin();
      expect(await launcher.inventory()).toMatchObject([{ state: 'running' }]);
      await launcher.kill(spec.launchName, 10_000);
      expect((await ended(spec.launchName)).exitCode).toBeNull();
    });

    test.runIf(linux)('a supervisor killed with its orders unread leaves the job to TERM', async () => {
      const { launcher, ended } = await begin();
      const [ready, told] = [tracePath(), tracePath()];
      const spec = job(
        `exec 2>/dev/null; trap 'echo > ${told}; exit 0' TERM; echo > ${ready}; while :; do sleep 0.02; done`,
      );
      await launcher.launch(spec);
      await until('the job runs', () => existsSync(ready));
      const supervisor = supervisorOf(spec.launchName);
      process.kill(supervisor, 'SIGSTOP');
      await launcher.kill(spec.launchName, 30_000);
      process.kill(supervisor, 'SIGKILL');
      expect((await ended(spec.launchName)).exitCode).toBeNull();
      expect(existsSync(told)).toBe(true);
    });

    test('after a restart of the machine it is lost, whatever has its number now', async () => {
      const first = await begin();
      const spec = job('sleep 30');
      await first.launcher.launch(spec);
      await first.launcher.stop();
      const journal = journalOf(spec.launchName);
      rewrite(spec.launchName, [[journal.supervisor!.boot, 'another-boot']]);
      const { launcher } = await begin();
      const [report] = await launcher.inventory();
      expect(report).toMatchObject({ state: 'ended', exitCode: null, infrastructure: true });
      killAtOnce(journal);
    });
  });

  describe('ends the whole group', () => {
    test('TERM reaches grandchildren, KILL those that ignore it, and the code is the job’s', async () => {
      const { launcher, ended } = await begin();
      const pids = tracePath();
      const stubborn = `/bin/sh -c 'trap "" TERM; echo $$ >> ${pids}; while :; do sleep 0.02; done' &`;
      const spec = job(`${stubborn} trap 'exit 8' TERM; sleep 30 & echo $! >> ${pids}; wait`);
      await launcher.launch(spec);
      await until('both run', () => linesOf(pids).length === 2);
      await launcher.kill(spec.launchName, 300);
      expect((await ended(spec.launchName)).exitCode).toBe(8);
      for (const pid of linesOf(pids)) expect(await processSource().find(Number(pid))).toBeNull();
    });

    test('what a job leaves in its group belongs to the run until it is done', async () => {
      const { launcher, seen, ended } = await begin();
      const gate = tracePath();
      const spec = job(`{ while [ ! -e ${gate} ]; do sleep 0.02; done; echo late; } & exit 3`);
      await launcher.launch(spec);
      await until('the job itself is done', () => journalOf(spec.launchName).exitCode === 3);
      expect(await launcher.inventory()).toMatchObject([{ state: 'running' }]);
      expect(seen.some(({ kind }) => kind === 'ended')).toBe(false);
      writeFileSync(gate, '');
      expect((await ended(spec.launchName)).exitCode).toBe(3);
      expect(await output(launcher, spec.launchName)).toBe('late\n');
    });

    test('a launch that an older version started under a shell is adopted, and killed with its group', async () => {
      const older = await begin({ supervisor: null, cgroups: null });
      const ready = tracePath();
      const spec = job(`trap 'exit 9' TERM; sleep 30 & echo $! > ${ready}; wait`);
      await older.launcher.launch(spec);
      await until('it runs', () => linesOf(ready).length > 0);
      expect(lstatSync(pathOf(spec.launchName)).isDirectory()).toBe(true);
      await older.launcher.stop();
      const { launcher, ended } = await begin();
      expect(await launcher.inventory()).toMatchObject([{ state: 'running' }]);
      await launcher.kill(spec.launchName, 10_000);
      expect((await ended(spec.launchName)).exitCode).toBe(9);
      expect(await processSource().find(Number(linesOf(ready)[0]))).toBeNull();
    });

    test('a grace goes on over a restart of the scheduler', async () => {
      const first = await begin();
      const ready = tracePath();
      const spec = job(`trap '' TERM; echo > ${ready}; while :; do sleep 0.02; done`);
      await first.launcher.launch(spec);
      await until('the trap is set', () => existsSync(ready));
      await first.launcher.kill(spec.launchName, 500);
      await first.launcher.stop();
      const { ended } = await begin();
      const end = await ended(spec.launchName);
      expect(end).toMatchObject({ exitCode: 137, reason: 'Killed: still running 500 ms after TERM' });
    });
  });

  describe('starts once, however late an old scheduler wakes', () => {
    /** An old scheduler whose program is paused between creating and starting; the answer wakes it. */
    async function pausedStart(spec: LaunchSpec): Promise<() => Promise<boolean>> {
      const before = serving();
      const old = launchesOf(harness().supervisor);
      let paused: number | undefined;
      const begun = old.begin(beginningOf(spec), () => {
        paused = serving().find((pid) => !before.includes(pid));
        process.kill(paused!, 'SIGSTOP');
        return true;
      });
      await until('it is paused', () => paused);
      return async () => {
        process.kill(paused!, 'SIGCONT');
        const { kind } = await begun;
        await old.stop();
        return kind === 'started';
      };
    }

    test('it finds nothing once a newer one has taken the launch back', async () => {
      const { launcher, ended } = await begin();
      const out = tracePath();
      const spec = job(`echo ran >> ${out}`);
      const wake = await pausedStart(spec);
      await launcher.launch({ ...spec, term: 2 });
      expect(await wake()).toBe(false);
      await ended(spec.launchName);
      expect(linesOf(out)).toEqual(['ran']);
    });

    test('if it is first, the newer one adopts', async () => {
      const { launcher, ended } = await begin();
      const out = tracePath();
      const spec = job(`echo ran >> ${out}; exit 2`);
      expect(await (await pausedStart(spec))()).toBe(true);
      await launcher.launch({ ...spec, term: 2 });
      expect((await ended(spec.launchName)).exitCode).toBe(2);
      expect(linesOf(out)).toEqual(['ran']);
    });

    test('a claim in a directory counts, also one of an earlier version, which was a file', async () => {
      const clock = { ...realClock, monotonicMs: () => realClock.monotonicMs() * 1000 };
      const { launcher, ended } = await begin({ clock });
      const [claimed, given] = [job('exit 0'), job('exit 4')];
      const shell = launchesOf(null);
      for (const [spec, text] of [
        [claimed, '999999999\n'],
        [given, 'taken back\n'],
      ] as const) {
        expect((await shell.begin(beginningOf(spec), () => false)).kind).toBe('withdrawn');
        writeFileSync(join(await directoryOf(spec.launchName), 'claim', 'pid'), text);
        await launcher.launch({ ...spec, term: 2 });
      }
      expect(await ended(claimed.launchName)).toMatchObject({ exitCode: null, infrastructure: true });
      expect(await ended(given.launchName)).toMatchObject({ exitCode: 4 });
    });

    test('killed before it was started, it never starts', async () => {
      const { launcher, ended } = await begin();
      const spec = job('exit 0');
      const wake = await pausedStart(spec);
      await launcher.kill(spec.launchName, 1000);
      expect(await ended(spec.launchName)).toMatchObject({
        exitCode: 137,
        reason: 'Killed before it was started',
      });
      expect(await wake()).toBe(false);
    });

    test('in a directory claimed but never begun, it is lost once its claimant is gone', async () => {
      // A clock that makes patience short.
      const clock = { ...realClock, monotonicMs: () => realClock.monotonicMs() * 1000 };
      const { launcher, ended } = await begin({ clock });
      const out = tracePath();
      const spec = job(`echo ran >> ${out}`);
      await launchesOf(null).begin(beginningOf(spec), () => false);
      const claim = join(await directoryOf(spec.launchName), 'claim', 'pid');
      symlinkSync(String(process.pid), claim);
      await expect(launcher.launch({ ...spec, term: 2 })).rejects.toMatchObject({
        code: 'ENGINE_UNAVAILABLE',
      });
      rmSync(claim);
      symlinkSync('999999999', claim);
      await launcher.launch({ ...spec, term: 2 });
      expect(await ended(spec.launchName)).toMatchObject({ exitCode: null, infrastructure: true });
      expect(linesOf(out)).toEqual([]);
    });

    test.runIf(linux)('while another process has its lock it waits, and then starts once', async () => {
      const clock = { ...realClock, monotonicMs: () => realClock.monotonicMs() * 1000 };
      const { launcher, ended } = await begin({ clock });
      const out = tracePath();
      const spec = job(`echo ran >> ${out}`);
      await harness().leaveCreated(spec);
      const holder = spawn('flock', [pathOf(spec.launchName), 'sh', '-c', 'echo; read -r _'], {
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      await once(holder.stdout, 'data');
      await expect(launcher.launch({ ...spec, term: 2 })).rejects.toMatchObject({
        code: 'ENGINE_UNAVAILABLE',
      });
      holder.stdin.end('\n');
      await once(holder, 'exit');
      await launcher.launch({ ...spec, term: 2 });
      await ended(spec.launchName);
      expect(linesOf(out)).toEqual(['ran']);
    });

    test('schedulers killed with -9 at any moment start each of 30 launches once and lose no result', async () => {
      const out = tracePath();
      const names = Array.from({ length: 30 }, (_, index) => `crash-${index}`);
      for (const [round, startedBefore] of [0, 1, 6, 13, 21, 28].entries()) {
        const child = fork(join(import.meta.dirname, 'crash.ts'), {
          execArgv: ['--import', 'tsx'],
          stdio: 'ignore',
        });
        const gone = once(child, 'exit');
        const { dir, supervisor, cgroups } = harness();
        child.send({ dir, supervisor, cgroups, out, term: round + 1, names });
        await once(child, 'message');
        await until('so many started', () => linesOf(out).length >= startedBefore, 20_000);
        child.kill('SIGKILL');
        await gone;
      }
      const { launcher, ended } = await begin();
      const launched = names.map((name, index) => launcher.launch(crashSpec({ name, index, out, term: 99 })));
      await Promise.all(launched);
      for (const [index, name] of names.entries()) expect((await ended(name)).exitCode).toBe(index);
      expect(linesOf(out).sort()).toEqual([...names].sort());
    }, 90_000);
  });

  describe.runIf(linux)('when the program that starts processes is killed', () => {
    test('what runs continues, its end is observed, and the next launch starts', async () => {
      const { launcher, ended } = await begin();
      const gate = tracePath();
      const [running, next] = [job(`while [ ! -e ${gate} ]; do sleep 0.02; done; exit 5`), job('exit 6')];
      await launcher.launch(running);
      process.kill(serving()[0]!, 'SIGKILL');
      await launcher.launch(next);
      expect(await ended(next.launchName)).toMatchObject({ exitCode: 6 });
      writeFileSync(gate, '');
      expect(await ended(running.launchName)).toMatchObject({ exitCode: 5 });
    });

    test('before it lets a job start, the next call starts that job once', async () => {
      const { launcher, ended } = await begin();
      const out = tracePath();
      const spec = job(`echo ran >> ${out}`);
      const killed = launcher.launch(spec, () => process.kill(serving()[0]!, 'SIGKILL'));
      await expect(killed).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
      await launcher.launch(spec);
      await ended(spec.launchName);
      expect(linesOf(out)).toEqual(['ran']);
    });

    test('while one of its supervisors is stopped, the next launch starts all the same', async () => {
      const { launcher, ended } = await begin();
      const [stopped, next] = [job('exit 5'), job('exit 6')];
      let supervisors: number[] = [];
      const killed = launcher.launch(stopped, () => {
        const [server] = serving();
        const children = readFileSync(`/proc/${server}/task/${server}/children`, 'utf8');
        supervisors = children.trim().split(' ').map(Number);
        for (const pid of supervisors) process.kill(pid, 'SIGSTOP');
        return process.kill(server!, 'SIGKILL');
      });
      await expect(killed).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
      await launcher.launch(next);
      expect(await ended(next.launchName)).toMatchObject({ exitCode: 6 });
      for (const pid of supervisors) process.kill(pid, 'SIGCONT');
      await launcher.launch({ ...stopped, term: 2 });
      expect(await ended(stopped.launchName)).toMatchObject({ exitCode: 5 });
    });
  });

  describe.runIf(linux)('is unavailable, so that the same job is tried again,', () => {
    test.each(['launches', 'scratch', 'supervisor'])('while there is no %s', async (name) => {
      const { launcher, ended } = await begin();
      const spec = job('exit 3');
      const [path, aside] = [join(harness().dir, name), join(harness().dir, 'aside')];
      renameSync(path, aside);
      await expect(launcher.launch(spec)).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
      renameSync(aside, path);
      await launcher.launch(spec);
      expect(await ended(spec.launchName)).toMatchObject({ exitCode: 3 });
    });

    test('while its scheduler has too many files open', () => {
      const from = join(import.meta.dirname, '../../../src');
      const script = `
        import { closeSync, openSync } from 'node:fs';
        import { createLaunchServer } from '${from}/executor/supervisor/server.ts';
        import { realClock } from '${from}/node/clock.ts';
        const server = createLaunchServer('/bin/true', '/', realClock);
        const file = Buffer.alloc(0);
        const none = { owner: null, env: {}, input: null, limitGroups: [], masks: [], systemLimits: [], overtime: null };
        const launch = { name: 'n', id: 'i', file, cwd: '/', argv: ['/bin/true'], ...none };
        const files = [];
        try { for (;;) files.push(openSync('/dev/null')); } catch {}
        const failed = await server.prepare(launch).catch((error) => error);
        for (const file of files) closeSync(file);
        console.log(failed.code);`;
      const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', script];
      const { stdout } = spawnSync('sh', ['-c', 'ulimit -n 100; exec "$@"', 'sh', ...node], {
        encoding: 'utf8',
        cwd: from,
      });
      expect(stdout).toBe('ENGINE_UNAVAILABLE\n');
    });
  });

  describe('gives a job', () => {
    test('no more of the scheduler’s environment than it needs', async () => {
      const { launcher, ended } = await begin();
      const spec = job('', { argv: ['env'], env: { CARILLON_JOB: 'a', TZ: 'Asia/Tokyo' } });
      await launcher.launch(spec);
      await ended(spec.launchName);
      const names = (await output(launcher, spec.launchName)).match(/^\w+(?==)/gm)!;
      // Some shells pass on what they keep for themselves.
      const own = names.filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name));
      expect(own.sort()).toEqual(['CARILLON_JOB', 'HOME', 'PATH', 'TZ']);
    });

    test.runIf(linux)('default signals, no input, and no descriptor of the supervisor', async () => {
      const { launcher, ended } = await begin();
      const spec = job('grep -E "SigIgn|SigBlk" /proc/self/status; cat; ls /proc/$$/fd');
      await launcher.launch(spec);
      await ended(spec.launchName);
      const text = await output(launcher, spec.launchName);
      expect(text.replace(/\s+/g, ' ')).toBe('SigBlk: 0000000000000000 SigIgn: 0000000000000000 0 1 2 ');
    });

    test('its program even if it is named like a builtin of the shell', async () => {
      const { launcher, ended } = await begin();
      const spec = job('', { argv: ['printf', '%s|', "it's", '$HOME', 'a b', ''] });
      await launcher.launch(spec);
      await ended(spec.launchName);
      expect(await output(launcher, spec.launchName)).toBe("it's|$HOME|a b||");
    });

    test.runIf(root)('the user it asks for, who can write to its directory and streams only', async () => {
      const { launcher, ended } = await begin();
      const spec = job('id -un; id -G; echo $USER; touch here; echo seen > /dev/stderr; touch ../journal', {
        user: 'nobody',
      });
      await launcher.launch(spec);
      expect((await ended(spec.launchName)).exitCode).not.toBe(0);
      const [user, groups, name, seen, refusal] = (await output(launcher, spec.launchName)).split('\n');
      expect([user, name, seen]).toEqual(['nobody', 'nobody', 'seen']);
      expect(groups).toMatch(/^\d+$/);
      expect(refusal).toMatch(/denied/);
    });

    test.runIf(root)('a refusal when its user cannot reach the folder in which it is started', async () => {
      const { launcher } = await begin();
      const above = join(harness().dir, '..');
      await chmod(above, 0o700);
      try {
        const spec = job('true', { user: 'nobody' });
        await expect(launcher.launch(spec)).rejects.toMatchObject({
          code: 'LAUNCH_REFUSED',
          details: { field: 'run.user', value: 'nobody' },
          message: expect.stringContaining(harness().dir),
        });
        expect(await launcher.inventory()).toEqual([]);
      } finally {
        await chmod(above, 0o755);
      }
    });

    /** A file of this name that may be executed. */
    const program = (name: string, bytes: string | Uint8Array): string => {
      const path = join(harness().dir, name);
      writeFileSync(path, bytes, { mode: 0o755 });
      return path;
    };
    const elf = (machine: number, loader: string | null = null): Uint8Array => {
      const bytes = Buffer.from(readFileSync('/bin/true'));
      bytes.writeUInt16LE(machine, 18);
      if (loader !== null) bytes.write(loader, bytes.indexOf('/lib'));
      return bytes;
    };
    test.runIf(process.platform === 'linux').each<[string, () => string, string]>([
      ['of another machine', () => program('other', elf(0xfeed)), 'neither a program for this machine nor a'],
      [
        'cut off in its head',
        () => program('cut', elf(62).subarray(0, 40)),
        'neither a program for this machine',
      ],
      [
        'that is empty',
        () => program('empty', ''),
        'neither a program for this machine nor a script (ENOEXEC)',
      ],
      ['of data', () => program('data', Buffer.from([7, 0, 1])), 'neither a program for this machine nor a'],
      [
        'whose loader is not there',
        () => program('loader', elf(readFileSync('/bin/true').readUInt16LE(18), '/xxx')),
        'the interpreter or loader that it names, does not exist',
      ],
    ])('the true cause, as its reason, when its program is a file %s', async (_, make, words) => {
      const { launcher, ended } = await begin();
      const spec = job('', { argv: [make()] });
      await launcher.launch(spec);
      const { exitCode, reason } = await ended(spec.launchName);
      expect([126, 127]).toContain(exitCode);
      expect(reason).toMatch(/^The program cannot be executed: /);
      expect(reason).toContain(words);
      expect(await launcher.inventory()).toMatchObject([{ state: 'ended', reason }]);
    });

    test('the true cause when its program is being written', async () => {
      const path = program('busy', readFileSync('/bin/true'));
      const file = openSync(path, 'r+');
      try {
        const { launcher, ended } = await begin();
        const spec = job('', { argv: [path] });
        await launcher.launch(spec);
        expect((await ended(spec.launchName)).reason).toBe(
          'The program cannot be executed: it is being written (ETXTBSY)',
        );
      } finally {
        closeSync(file);
      }
    });

    test('a shell for a script without a first line that names one', async () => {
      const { launcher, ended } = await begin();
      const spec = job('', { argv: [program('plain', 'echo plain $1'), 'x'] });
      await launcher.launch(spec);
      expect(await ended(spec.launchName)).toMatchObject({ exitCode: 0 });
      expect(await output(launcher, spec.launchName)).toBe('plain x\n');
    });

    test('a reason when a command is not found', async () => {
      const { launcher, ended } = await begin();
      const spec = job('exec no-such-command');
      await launcher.launch(spec);
      const { exitCode, reason } = await ended(spec.launchName);
      expect({ exitCode, reason }).toEqual({
        exitCode: 127,
        reason: 'Exit code 127: a command was not found',
      });
    });
  });

  const tooLong = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`A${n}`, 'x'.repeat(100_000)]));
  test.each<[string, Partial<LaunchSpec>, { code: string; field: string; value?: unknown }]>([
    [
      'a directory that does not exist',
      { workdir: '/no/dir' },
      { code: 'LAUNCH_REFUSED', field: 'run.workdir', value: '/no/dir' },
    ],
    [
      'more environment than the system takes',
      { env: tooLong },
      { code: 'LAUNCH_REFUSED', field: 'run.env' },
    ],
    ['a NUL in its arguments', { argv: ['/bin/echo', 'a\0b'] }, { code: 'LAUNCH_REFUSED', field: 'run' }],
  ])('refuses %s, and nothing is left', async (_, overrides, { code, ...details }) => {
    const { launcher } = await begin();
    await expect(launcher.launch(job('exit 0', overrides))).rejects.toMatchObject({ code, details });
    expect(await launcher.inventory()).toEqual([]);
  });

  test('the name of another installation is refused, not adopted', async () => {
    const { launcher, ended } = await begin();
    const spec = job('exit 0');
    await launcher.launch(spec);
    await ended(spec.launchName);
    const other = await begin({ installation: 'another' });
    const foreign = other.launcher.launch({ ...spec, installation: 'another' });
    await expect(foreign).rejects.toMatchObject({ code: 'LAUNCH_REFUSED' });
    await other.launcher.remove(spec.launchName);
    expect(await launcher.inventory()).toHaveLength(1);
  });

  test('of 50 MB of output the end is kept, within the bound', async () => {
    const bound = 4 * 1024 * 1024;
    const { launcher, ended } = await begin({ logBytesPerStream: bound });
    const spec = job('seq 1 7000000');
    await launcher.launch(spec);
    await ended(spec.launchName);
    const lines = (await output(launcher, spec.launchName)).trimEnd().split('\n').slice(1).map(Number);
    expect(lines.at(-1)).toBe(7_000_000);
    const kept = lines.length * 8;
    expect(kept).toBeGreaterThan(bound / 3);
    expect(kept).toBeLessThanOrEqual(bound);
  });

  test('the end of a job is told although its output cannot be kept, as on a full disk', async () => {
    const { launcher, ended } = await begin({ logBytesPerStream: 10_000 });
    const gate = tracePath();
    const spec = job(`until [ -e ${gate} ]; do sleep 0.02; done; seq 1 5000`);
    await launcher.launch(spec);
    const tails = join(harness().dir, 'tails');
    renameSync(tails, `${tails}-aside`);
    writeFileSync(gate, '');
    const { exitCode, bytesDropped } = await ended(spec.launchName);
    renameSync(`${tails}-aside`, tails);
    const text = await output(launcher, spec.launchName);
    const kept = text.replaceAll(/\[carillon: .*\n/g, '');
    expect([exitCode, kept.startsWith('1\n2\n'), kept.length + bytesDropped!]).toEqual([0, true, 23_893]);
    const missing = [...text.matchAll(/carillon: ([\d,]+) byte/g)].map(([, n]) =>
      Number(n!.replaceAll(',', '')),
    );
    expect(missing.reduce((sum, bytes) => sum + bytes, 0)).toBe(bytesDropped);
  });

  test('how much output was dropped is told while it runs, at its end, and by every later inventory', async () => {
    const { launcher, seen, ended } = await begin({ logBytesPerStream: 100_000 });
    const gate = tracePath();
    const spec = job(`seq 1 100000; while [ ! -e ${gate} ]; do sleep 0.02; done; seq 1 50000 >&2`);
    await launcher.launch(spec);
    const told = (await until('the news', () => seen.find(({ kind }) => kind === 'output-dropped'))) as {
      readonly bytesDropped: number;
    };
    expect(await launcher.inventory()).toMatchObject([{ state: 'running', bytesDropped: told.bytesDropped }]);
    writeFileSync(gate, '');
    const { bytesDropped } = await ended(spec.launchName);
    const kept = (await output(launcher, spec.launchName)).replaceAll(/^\[carillon: .*\n/gm, '').length;
    const printed = (last: number) => Array.from({ length: last }, (_, n) => `${n + 1}\n`).join('').length;
    expect(bytesDropped).toBe(printed(100_000) + printed(50_000) - kept);
    expect(told.bytesDropped).toBeLessThan(bytesDropped ?? 0);
    await launcher.stop();
    expect(await (await begin()).launcher.inventory()).toMatchObject([{ state: 'ended', bytesDropped }]);
  });

  test('after stop nothing is started, and what ran goes on', async () => {
    const { launcher } = await begin();
    const [gate, out] = [tracePath(), tracePath()];
    const spec = job(`while [ ! -e ${gate} ]; do sleep 0.02; done; echo done > ${out}`);
    await launcher.launch(spec);
    await launcher.stop();
    await launcher.stop();
    await expect(launcher.launch(job('exit 0'))).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    writeFileSync(gate, '');
    await until('the job is done', () => linesOf(out).length > 0);
    const next = await begin();
    await until('its end', async () => (await next.launcher.inventory())[0]?.exitCode === 0);
  });
});
