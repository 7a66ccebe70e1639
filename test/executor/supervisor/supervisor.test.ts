/** The supervisor's program: as committed, and as built again where there is a compiler. */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseJournal } from '../../../src/executor/process/journal.ts';
import { installSupervisor } from '../../../src/executor/supervisor/file.ts';
import { supervisorEnd, supervisorPrograms } from '../../../src/executor/supervisor/program.ts';
import { servedSupervisors } from '../../../src/executor/supervisor/server.ts';
import type { SupervisorRequest } from '../../../src/executor/supervisor/start.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { Log } from '../../../src/scheduler/ports.ts';

const source = join(import.meta.dirname, '../../../src/executor/supervisor/supervisor.c');
/** Compilers and what runs their programs on this machine; the committed programs are from this version. */
const machines = [
  {
    name: 'x64',
    compiler: arch() === 'x64' ? 'gcc' : 'x86_64-linux-gnu-gcc',
    emulator: 'qemu-x86_64-static',
  },
  {
    name: 'arm64',
    compiler: arch() === 'arm64' ? 'gcc' : 'aarch64-linux-gnu-gcc',
    emulator: 'qemu-aarch64-static',
  },
].map((machine) => ({ ...machine, emulator: machine.name === arch() ? null : machine.emulator }));
const compilerVersion = '12.2.0';
const linux = process.platform === 'linux';
const root = process.getuid?.() === 0;

const can = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

const which = (program: string): string =>
  execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();

/** The command stands in the source, for people and for us. */
function build(compiler: string, out: string): void {
  const text = readFileSync(source, 'utf8');
  const command = /gcc (-Os[\s\S]*?-o supervisor supervisor\.c[\s\S]*?)\n \*\//.exec(text)?.[1] ?? '';
  const args = command
    .split(/[\s*]+/)
    .map((arg) => (arg === 'supervisor' ? out : arg === 'supervisor.c' ? source : arg));
  execFileSync(compiler, [...args, '-Wall', '-Wextra', '-Werror']);
}

/**
 * `mover FROM TO PROGRAM…`: renames a folder once the program, or a process that it forked, has made a link in it, before
 * that process learns of it.
 */
const moverSource = `
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **names) {
  const pid_t program = fork();
  if (program == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    execv(names[3], names + 3);
    _exit(99);
  }
  const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE;
  int status;
  pid_t makes = 0, pid;
  while ((pid = waitpid(-1, &status, __WALL)) > 0) {
    if (!WIFSTOPPED(status)) continue;
    struct __ptrace_syscall_info info = {0};
    ptrace(PTRACE_SETOPTIONS, pid, 0, options);
    ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
    if (makes == pid && info.op == PTRACE_SYSCALL_INFO_EXIT) rename(names[1], names[2]), makes = 0;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_symlinkat) makes = pid;
    ptrace(PTRACE_SYSCALL, pid, 0, 0);
  }
  return 0;
}`;

const warnings: string[] = [];
const log: Log = {
  debug: () => {},
  info: () => {},
  warn: (_fields, event) => void warnings.push(event),
  error: () => {},
};

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'carillon-supervisor-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

for (const { name, compiler, emulator } of machines) {
  const runs = linux && (emulator === null || can(emulator));
  describe.skipIf(!runs)(`the supervisor for ${name}${runs ? '' : ` (skipped: no ${emulator})`}`, () => {
    const committed = Buffer.from(supervisorPrograms[name] ?? '', 'base64');
    let program = '';
    let sequence = 0;
    beforeAll(() => {
      program = join(dir, name);
      writeFileSync(program, committed, { mode: 0o500 });
    });
    const line = (...args: readonly string[]): readonly [string, string[]] =>
      emulator === null ? [program, [...args]] : [which(emulator), [program, ...args]];
    const call = (...args: readonly string[]) => {
      const [first, rest] = line(...args);
      return spawnSync(first, rest, { encoding: 'utf8', env: { PATH: '/usr/bin:/bin' } });
    };

    /** A program that is this command line, for whoever can only give arguments. */
    function wrapped(file: string, ...command: readonly string[]): string {
      writeFileSync(file, `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(' ')} "$@"\n`, {
        mode: 0o700,
      });
      return file;
    }

    /** Runs a launch of this script; `place` may be one of an earlier call. */
    async function run(
      script: string,
      {
        owner = null as SupervisorRequest['owner'],
        place = join(dir, `${name}-${++sequence}`),
        claim = join(place, 'claim'),
        through = [] as readonly string[],
        input = null as string | null,
      } = {},
    ) {
      await mkdir(join(place, 'work'), { recursive: true });
      const [first, rest] = line();
      const server = wrapped(join(dir, `serve-${name}-${++sequence}`), ...through, first, ...rest);
      const supervisors = servedSupervisors(server, realClock);
      const [out, journal] = [join(place, 'out'), join(place, 'journal')];
      for (const file of [out, journal]) closeSync(openSync(file, 'a'));
      const { started, exited } = supervisors.start({
        claimPath: claim,
        cwd: join(place, 'work'),
        owner,
        cgroup: null,
        input,
        files: { stdout: out, stderr: out, journal },
        argv: ['/bin/sh', '-c', script],
        env: { GREETING: 'hello' },
      });
      const [began, status] = [await started, await exited];
      await supervisors.stop();
      const said = readFileSync(out, 'utf8');
      return { place, status, began, said, journal: parseJournal(readFileSync(journal, 'utf8')) };
    }

    test('is small', () => expect(committed.length).toBeLessThan(8_192));

    test.skipIf(!can(compiler))(`is what ${compiler} makes of its source`, () => {
      const fresh = join(dir, `fresh-${name}`);
      build(compiler, fresh);
      const version = execFileSync(compiler, ['-dumpfullversion'], { encoding: 'utf8' }).trim();
      // Other versions make other bytes of it: then it is enough that they take it without a warning.
      if (version === compilerVersion) expect(readFileSync(fresh).equals(committed)).toBe(true);
    });

    test('runs a job in its folder, with its environment, and notes its exit code', async () => {
      const { place, status, began, said, journal } = await run('echo $GREETING; pwd; echo bad >&2; exit 7');
      expect({ status, began, said }).toEqual({
        status: 0,
        began: true,
        said: `hello\n${join(place, 'work')}\nbad\n`,
      });
      expect(journal).toMatchObject({ exitCode: 7, cgroup: null });
      expect(readlinkSync(join(place, 'claim'))).toBe(String(journal.supervisor?.pid));
      expect(journal.job?.pid).not.toBe(journal.supervisor?.pid);
    });

    test('notes a signal as a shell does', async () => {
      expect((await run('kill -USR2 $$')).journal.exitCode).toBe(128 + 12);
    });

    test('gives a job its input, all of it', async () => {
      const input = 'a line\n'.repeat(50_000);
      expect((await run('wc -c', { input })).said.trim()).toBe(String(input.length));
    });

    test('starts nothing when the launch is claimed', async () => {
      const { place } = await run('echo one');
      const { status, began, said } = await run('echo two', { place });
      expect({ status, began, said }).toEqual({
        status: supervisorEnd.claimLost,
        began: false,
        said: 'one\n',
      });
    });

    test.skipIf(emulator !== null || !can(compiler))(
      'starts nothing when the folder of its claim was moved away before it was made',
      async () => {
        const place = join(dir, `${name}-${++sequence}`);
        const [claims, aside, mover] = ['claims', 'aside', 'mover'].map((part) => join(place, part));
        await mkdir(claims!, { recursive: true });
        await writeFile(`${mover}.c`, moverSource);
        execFileSync(compiler, ['-O1', '-o', mover!, `${mover}.c`]);
        const claim = join(claims!, 'pid');
        const { status, began, said } = await run('echo ran', {
          place,
          claim,
          through: [mover!, claims!, aside!],
        });
        expect({ status, began, said }).toEqual({ status: supervisorEnd.claimLost, began: false, said: '' });
        expect(readdirSync(aside!)).toEqual(['pid']);
      },
    );

    test.runIf(root)('claims nothing when the user cannot enter the folder', async () => {
      const place = join(dir, `${name}-${++sequence}`);
      await mkdir(place, { mode: 0o700 });
      const { status, journal } = await run('true', { owner: { uid: 65534, gid: 65534 }, place });
      expect({ status, supervisor: journal.supervisor }).toEqual({
        status: supervisorEnd.noFolder,
        supervisor: null,
      });
      expect(readdirSync(place).sort()).toEqual(['journal', 'out', 'work']);
    });

    test('only: a program gets the descriptors that it is promised, and is looked up on the path', () => {
      const files = Array.from({ length: 5 }, () => openSync('/dev/null', 'r'));
      const [first, rest] = line('only', '4', 'ls', '/proc/self/fd');
      const { stdout } = spawnSync(first, rest, {
        stdio: ['ignore', 'pipe', 'ignore', ...files],
        env: { PATH: '/nowhere:/usr/bin:/bin' },
        encoding: 'utf8',
      });
      for (const file of files) closeSync(file);
      // The last is how `ls` looks.
      expect(stdout.split('\n').filter(Boolean)).toEqual(['0', '1', '2', '3', '4']);
    });

    test.each<[string, string, number]>([
      ['is not there', 'no-such-program', 127],
      ['is no program', '/etc/passwd', 126],
    ])('only: a program that %s', (_, of, code) => {
      expect(call('only', '3', of)).toMatchObject({
        status: code,
        stderr: `carillon: cannot execute ${of}\n`,
      });
    });

    test('clear: removes everything in a folder, however deep, and nothing that a link leads to', async () => {
      const [folder, outside] = [join(dir, `clear-${name}`), join(dir, `outside-${name}`)];
      await Promise.all([mkdir(join(folder, 'a/b'), { recursive: true }), mkdir(outside)]);
      await writeFile(join(outside, 'kept'), '');
      await symlink(outside, join(folder, 'a/link'));
      await chmod(join(folder, 'a/b'), 0o000);
      const deep = join(folder, ...Array.from({ length: 600 }, () => 'd'));
      await mkdir(deep, { recursive: true });
      await writeFile(join(deep, 'f'), '');
      expect(call('clear', folder, '-').status).toBe(0);
      expect(readdirSync(folder)).toEqual([]);
      expect(readdirSync(outside)).toEqual(['kept']);
      await symlink(outside, join(dir, `link-${name}`));
      call('clear', join(dir, `link-${name}`), '-');
      expect(readdirSync(outside)).toEqual(['kept']);
    });

    test.each([
      ['more than is kept', 200_000, '0 7 200000\n', 100_000],
      ['less than is kept', 70_000, '0 7 70000\n', 70_000],
      ['nothing', 0, '0 7 0\n', 0],
    ])('cut: a file with %s is empty, and its end is in the copy', (_, size, noted, kept) => {
      const [out, old, note] = ['out', 'old', 'note'].map((file) => join(dir, `cut-${name}-${size}-${file}`));
      const printed = Buffer.from(Array.from({ length: size }, (_, n) => n % 251));
      writeFileSync(out!, printed);
      writeFileSync(old!, 'older');
      const files = [openSync(out!, 'r+'), openSync(`${old}.next`, 'w'), openSync(note!, 'w')] as const;
      writeSync(files[2], '0 7 ');
      const [first, rest] = line('cut', `${old}.next`, old!, '100000');
      const { status } = spawnSync(first, rest, { stdio: [files[0], files[1], 'ignore', files[2]] });
      for (const file of files) closeSync(file);
      expect([status, readFileSync(note!, 'utf8'), readFileSync(out!).length]).toEqual([0, noted, 0]);
      expect(readFileSync(old!).equals(printed.subarray(size - kept))).toBe(true);
    });

    test('move: takes the place of another file', () => {
      const [from, to] = [join(dir, `from-${name}`), join(dir, `to-${name}`)];
      writeFileSync(from, 'new');
      writeFileSync(to, 'old');
      expect(call('move', from, to).status).toBe(0);
      expect(readFileSync(to, 'utf8')).toBe('new');
      expect(call('move', from, to).status).toBe(1);
    });

    test.runIf(root)('clear: with the rights of the user and no more', async () => {
      const folder = join(dir, `users-${name}`);
      await mkdir(join(folder, 'rooted'), { recursive: true });
      await writeFile(join(folder, 'rooted', 'kept'), '');
      const script = 'mkdir own closed; : > own/f; chmod 0 closed';
      execFileSync('chown', ['65534:65534', folder]);
      execFileSync('/bin/sh', ['-c', script], { cwd: folder, uid: 65534, gid: 65534 });
      call('clear', folder, '65534:65534');
      expect(readdirSync(folder)).toEqual(['rooted']);
      expect(readdirSync(join(folder, 'rooted'))).toEqual(['kept']);
    });
  });
}

describe.skipIf(!linux)('the supervisor’s file', () => {
  test('is written anew when it holds something else, and works', async () => {
    const place = join(dir, 'installed');
    const path = await installSupervisor(place, log);
    if (supervisorPrograms[process.arch] === undefined) return expect(path).toBeNull();
    const bytes = readFileSync(path!);
    rmSync(path!);
    writeFileSync(path!, 'of another version', { mode: 0o444 });
    expect(await installSupervisor(place, log)).toBe(path);
    expect(readFileSync(path!).equals(bytes)).toBe(true);
    expect(readdirSync(place)).toEqual(['supervisor']);
    expect(warnings).toEqual([]);
  });

  test.runIf(root)('gives way to a shell where the file system executes nothing, and the log says so', () => {
    const place = join(dir, 'noexec');
    // In a mount namespace of its own: the machine's mounts stay as they are.
    const script = `
      import { installSupervisor } from '${join(import.meta.dirname, '../../../src/executor/supervisor/file.ts')}';
      const log = { info() {}, warn: (fields, event) => console.log(event, fields.error.includes('EACCES')) };
      console.log(await installSupervisor('${place}', log));`;
    const mounted = 'mkdir -p "$0" && mount -t tmpfs -o noexec none "$0" && exec "$@"';
    const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', script];
    const { stdout } = spawnSync('unshare', ['-m', 'sh', '-c', mounted, place, ...node], {
      encoding: 'utf8',
      cwd: join(import.meta.dirname, '../../..'),
    });
    expect(stdout).toBe('process.shell-supervisor true\nnull\n');
  });
});
