/** The supervisor's program: as committed, and as built again where there is a compiler. */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FrameLog } from '../../../src/executor/logs/frame-log.ts';
import { Mask, masksOf } from '../../../src/executor/secrets/mask.ts';
import { parseLaunchFile } from '../../../src/executor/supervised/journal.ts';
import { installSupervisor } from '../../../src/executor/supervisor/file.ts';
import { supervisorEnd, supervisorPrograms } from '../../../src/executor/supervisor/program.ts';
import { createLaunchServer, type LaunchServer } from '../../../src/executor/supervisor/server.ts';
import type { JobStart } from '../../../src/executor/supervisor/start.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { Log } from '../../../src/scheduler/ports.ts';
import { until } from '../../support/until.ts';

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
/** EAGAIN */
const again = 11;
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

    interface Options {
      readonly owner?: JobStart['owner'];
      /** The folder, which may be one of an earlier call. */
      readonly place?: string;
      readonly input?: string;
      readonly masks?: readonly string[];
      /** When the job starts. Default: at once. */
      readonly at?: number;
      /** Called with the launch's file, before the job may start. */
      readonly meanwhile?: (file: string, server: LaunchServer) => unknown;
    }

    /** Runs a launch of this script. */
    async function run(script: string, options: Options = {}) {
      const {
        owner = null,
        place = join(dir, `${name}-${++sequence}`),
        input = null,
        masks = [],
        at,
        meanwhile,
      } = options;
      for (const folder of ['launches', 'scratch', 'tails', 'work'])
        await mkdir(join(place, folder), { recursive: true, mode: 0o711 });
      const [first, rest] = line();
      const server = createLaunchServer(
        wrapped(join(dir, `serve-${name}-${++sequence}`), first, ...rest),
        place,
        realClock,
      );
      const path = join(place, 'launches', 'one');
      const launch = {
        name: 'one',
        id: `id-${++sequence}`,
        file: Buffer.concat([
          Buffer.from('carillon-launch 1 002048 0000000000 000000000000000\n'),
          Buffer.alloc(2_048 - 52),
        ]),
        cwd: join(place, 'work', 'own'),
        ownFolder: true,
        owner,
        cgroup: null,
        limitGroups: [],
        masks: masks.map((mask) => Buffer.from(mask)),
        systemLimits: [],
        overtime: null,
        input,
        firstBytes: 1_000_000,
        partBytes: 1_000_000,
        argv: ['/bin/sh', '-c', script],
        env: { GREETING: 'hello' },
      };
      const waiting = await server.prepare(launch);
      if (waiting === null) {
        await server.stop();
        return { place, served: 'taken' };
      }
      await meanwhile?.(path, server);
      const { started, exited } = waiting.open(at);
      const [began, status] = [await started, await exited];
      await server.stop();
      const output = new FrameLog(path, (part) => join(place, 'tails', `${launch.id}.${part}`));
      let said = '';
      for await (const { bytes } of output.read({}, { clock: realClock, ended: () => true }))
        said += Buffer.from(bytes).toString();
      const journal = (await output.exists()) ? parseLaunchFile(readFileSync(path)).journal : null;
      return { place, served: 'served', status, began, said, journal };
    }

    test('is small', () => expect(committed.length).toBeLessThan(24_576));

    test.skipIf(!can(compiler))(`is what ${compiler} makes of its source`, () => {
      const fresh = join(dir, `fresh-${name}`);
      build(compiler, fresh);
      const version = execFileSync(compiler, ['-dumpfullversion'], { encoding: 'utf8' }).trim();
      // Other versions make other bytes of it: then it is enough that they take it without a warning.
      if (version === compilerVersion) expect(readFileSync(fresh).equals(committed)).toBe(true);
    });

    test('starts a job at its instant, and notes that', async () => {
      const at = Date.now() + 300;
      const { began, said, journal } = await run('date +%s%3N', { at });
      expect(began).toBe(true);
      for (const time of [Number(said), journal?.startedAt]) expect(time).toBeGreaterThanOrEqual(at);
    });

    test('runs a job in its folder, with its environment, and notes its exit code', async () => {
      const { place, status, began, said, journal } = await run('echo $GREETING; pwd; echo bad >&2; exit 7');
      expect({ status, began, said }).toEqual({
        status: 0,
        began: true,
        said: `hello\n${join(place, 'work', 'own')}\nbad\n`,
      });
      expect(journal).toMatchObject({ exitCode: 7, cgroup: null, killed: false });
      expect(journal?.job?.pid).not.toBe(journal?.supervisor?.pid);
      expect(journal?.endedAt).toBeGreaterThanOrEqual(journal?.startedAt ?? 0);
      expect(journal?.usage?.peakBytes).toBeGreaterThan(0);
      expect(readdirSync(join(place, 'work'))).toEqual([]);
    });

    test.each(['', '>&2'])('masks what its job prints, however it is cut %s', async (to) => {
      const masks = ['correct horse', 'correct', 'Zm9v'];
      const pieces = ['a cor', 'rect hor', 'se, correct h', 'ouse Zm9', 'vZm9v corr'];
      const script = pieces.map((piece) => `printf '${piece}' ${to}; sleep 0.02`).join('; ');
      expect((await run(script, { masks })).said).toBe('a ***, *** house ****** corr');
    });

    test('masks as the scheduler does, in thousands of writes', async () => {
      // Few letters, so that texts overlap and begin alike. Each printf is one write.
      const masks = masksOf(['abab', 'ababa-b', 'bbbbb', 'a-a-a-a-']);
      const letters = fc.string({ unit: fc.constantFrom('a', 'b', '-'), minLength: 1, maxLength: 9 });
      const pieces = fc.sample(fc.oneof(letters, fc.constantFrom('abab', 'ababa-b', 'bbbbb')), 2_000);
      const mask = new Mask(masks);
      const wanted = Buffer.concat([mask.push(Buffer.from(pieces.join(''))), mask.end()]).toString();
      const script = pieces.map((piece) => `printf %s "${piece}"`).join('\n');
      const { said } = await run(script, { masks: masks.map(String) });
      expect(said).toBe(wanted);
      expect(wanted.split('***').length).toBeGreaterThan(500);
    });

    test('notes how much its job and the children of its job wrote to the disk', async () => {
      const { journal } = await run(`sh -c 'head -c 300000 /dev/zero > big'; true`);
      expect(journal?.usage?.writtenBytes).toBeGreaterThanOrEqual(300_000);
      expect(journal?.usage?.writtenBytes).toBeLessThan(1_000_000);
    });

    test('notes a signal as a shell does', async () => {
      expect((await run('kill -USR2 $$')).journal?.exitCode).toBe(128 + 12);
    });

    test('gives a job its input, all of it', async () => {
      const input = 'a line\n'.repeat(50_000);
      expect((await run('wc -c', { input })).said?.trim()).toBe(String(input.length));
    });

    test('keeps the order of both streams, line by line', async () => {
      const script = 'i=0; while [ $i -lt 400 ]; do echo $i; i=$((i+1)); echo $i >&2; i=$((i+1)); done';
      const { said } = await run(script);
      expect(said).toBe(Array.from({ length: 400 }, (_, n) => `${n}\n`).join(''));
    });

    test('starts nothing when a launch has the name', async () => {
      const { place } = await run('echo one');
      expect(await run('echo two', { place })).toEqual({ place, served: 'taken' });
    });

    test.each<[string, (file: string, server: LaunchServer) => unknown]>([
      ['revoked', (_, server) => server.revoke('one', '-')],
      ['removed', (file) => rmSync(file)],
      [
        'replaced',
        (file) => {
          rmSync(file);
          writeFileSync(file, 'another');
        },
      ],
    ])('starts nothing when its file is %s before the job may start', async (_, meanwhile) => {
      expect(await run('echo ran', { meanwhile })).toMatchObject({
        status: supervisorEnd.claimLost,
        began: false,
        said: '',
      });
    });

    test('revokes and removes no launch whose supervisor has its lock, and each other one as often as it is asked', async () => {
      const place = join(dir, `${name}-${++sequence}`);
      let server: LaunchServer | null = null;
      const running = run('touch ../../started; until [ -e ../../end ]; do sleep 0.01; done', {
        place,
        meanwhile: (_, its) => {
          server = its;
        },
      });
      await until('it runs', () => existsSync(join(place, 'started')));
      const both = async (launch: string) => [
        await server!.revoke(launch, '-'),
        await server!.remove(launch, '-'),
      ];
      expect(await both('one')).toEqual([again, again]);
      writeFileSync(join(place, 'end'), '');
      await running;
      expect(await both('one')).toEqual([again, 0]);
      expect(readdirSync(join(place, 'launches'))).toEqual([]);
      writeFileSync(join(place, 'launches', 'never'), Buffer.alloc(2_048));
      for (const launch of ['never', 'never', 'nowhere']) expect(await both(launch)).toEqual([0, 0]);
      await server!.stop();
    });

    test.runIf(root)('starts nothing when the user cannot enter the folder', async () => {
      const place = join(dir, `${name}-${++sequence}`);
      await mkdir(place, { mode: 0o700 });
      const { status, journal } = await run('true', { owner: { uid: 65534, gid: 65534 }, place });
      expect({ status, supervisor: journal?.supervisor }).toEqual({
        status: supervisorEnd.noFolder,
        supervisor: null,
      });
      expect(readdirSync(join(place, 'work'))).toEqual([]);
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
