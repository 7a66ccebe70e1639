/** The gate's program: as committed, and as built anew where there is a compiler. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closing, gatePrograms, opening, unopened } from '../../../src/executor/docker/gate-program.ts';
import { until } from '../../support/until.ts';

const source = join(import.meta.dirname, '../../../src/executor/docker/gate.c');
const here = { x64: 'amd64', arm64: 'arm64' }[arch() as string] ?? arch();
/** Compilers and what runs their programs on this machine; the committed programs are from this version. */
const machines = [
  {
    name: 'amd64',
    compiler: here === 'amd64' ? 'gcc' : 'x86_64-linux-gnu-gcc',
    emulator: 'qemu-x86_64-static',
  },
  {
    name: 'arm64',
    compiler: here === 'arm64' ? 'gcc' : 'aarch64-linux-gnu-gcc',
    emulator: 'qemu-aarch64-static',
  },
].map((machine) => ({ ...machine, emulator: machine.name === here ? null : machine.emulator }));
const compilerVersion = '12.2.0';

const can = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

/** The command stands in the source, for people and for us. */
function build(compiler: string, out: string): void {
  const command =
    /gcc (-Os[\s\S]*?-o gate gate\.c[\s\S]*?)\n \*\//.exec(readFileSync(source, 'utf8'))?.[1] ?? '';
  const args = command.split(/[\s*]+/).map((arg) => (arg === 'gate' ? out : arg === 'gate.c' ? source : arg));
  execFileSync(compiler, [...args, '-Wall', '-Wextra', '-Werror']);
}

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'carillon-gate-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

for (const { name, compiler, emulator } of machines) {
  const runs = emulator === null || can(emulator);
  describe.skipIf(!runs)(`the gate for ${name}${runs ? '' : ` (skipped: no ${emulator})`}`, () => {
    const committed = Buffer.from(gatePrograms[name] ?? '', 'base64');

    test('is small', () => expect(committed.length).toBeLessThan(4_096));

    test.skipIf(!can(compiler))(`is what ${compiler} makes of its source`, () => {
      const fresh = join(dir, `fresh-${name}`);
      build(compiler, fresh);
      const version = execFileSync(compiler, ['-dumpfullversion'], { encoding: 'utf8' }).trim();
      // Other versions make other bytes of it: then it is enough that what they make works.
      if (version === compilerVersion) expect(readFileSync(fresh).equals(committed)).toBe(true);
      const { stdout } = spawnSync(emulator ?? fresh, [...(emulator ? [fresh] : []), '5000', 'echo', 'hi'], {
        input: opening,
        encoding: 'utf8',
      });
      expect(stdout).toBe('hi\n');
    });

    /** Runs the committed gate before a program. */
    function gate(args: readonly string[], env: Record<string, string> = { PATH: '/usr/bin:/bin' }): Held {
      const program = join(dir, name);
      writeFileSync(program, committed);
      chmodSync(program, 0o755);
      const [first = '', ...rest] = [...(emulator === null ? [] : [emulator]), program, ...args];
      return held(spawn(which(first), rest, { env, cwd: dir }));
    }

    test('becomes the program, with its environment and an empty input, when it is opened', async () => {
      const { end, child } = gate(['5000', 'sh', '-c', 'echo $GREETING; cat; echo $0 $1', 'zero', 'one'], {
        PATH: '/bin',
        GREETING: 'hello',
      });
      child.stdin?.write(opening);
      expect(await end).toEqual({ code: 0, signal: null, output: 'hello\nzero one\n' });
    });

    test('hands on the exit code', async () => {
      const { end, child } = gate(['5000', '/bin/sh', '-c', 'exit 7']);
      child.stdin?.write(opening);
      expect((await end).code).toBe(7);
    });

    test('runs a script that does not say what runs it', async () => {
      writeFileSync(join(dir, 'script'), 'echo from a script: $1\n', { mode: 0o755 });
      const { end, child } = gate(['5000', './script', 'one']);
      child.stdin?.write(opening);
      expect((await end).output).toBe('from a script: one\n');
    });

    test.each([
      ['is not built for this machine', '\x7fELF\0 of another machine\necho read as a script\n'],
      ['is empty', ''],
    ])('gives a program that %s to no shell', async (_, text) => {
      writeFileSync(join(dir, 'no-script'), text, { mode: 0o755 });
      const { end, child, failed } = gate(['5000', './no-script']);
      child.stdin?.write(opening);
      expect(await end).toEqual({ code: 126, signal: null, output: '' });
      expect(failed()).toBe('carillon-gate: cannot execute ./no-script\n');
    });

    test('passes over what is not for it', async () => {
      const { end, child } = gate(['5000', 'echo', 'hi']);
      child.stdin?.write('0\r\n\r\n');
      child.stdin?.end();
      expect(await end).toEqual(neverOpened);
    });

    test.each<[string, string[], (child: ChildProcess) => void]>([
      ['the lease has passed', ['50', 'echo', 'hi'], () => {}],
      ['its input ends', ['60000', 'echo', 'hi'], (child) => child.stdin?.end()],
      ['there is no such program', ['60000', 'no-such-program'], () => {}],
      ['the program is a file that nobody may execute', ['60000', './data'], () => {}],
    ])('ends unopened when %s', async (_, args, act) => {
      writeFileSync(join(dir, 'data'), '', { mode: 0o644 });
      const { end, child } = gate(args);
      act(child);
      expect(await end).toEqual(neverOpened);
    });

    // An emulator takes signals before the program does.
    test.skipIf(emulator !== null).each([`SIG${closing.signal}`, 'SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
      'ends unopened on %s',
      async (signal) => {
        const { end, child } = gate(['60000', 'echo', 'hi']);
        await listens(child);
        child.kill(signal as NodeJS.Signals);
        expect(await end).toEqual(neverOpened);
      },
    );

    test('a program that was started ignores what would have closed the gate', async () => {
      const { end, child, said } = gate(['5000', 'sh', '-c', 'echo begun; sleep 0.1; echo done']);
      child.stdin?.write(opening);
      await until('begun', () => said() === 'begun\n');
      child.kill(`SIG${closing.signal}`);
      expect(await end).toEqual({ code: 0, signal: null, output: 'begun\ndone\n' });
    });
  });
}

const neverOpened = { code: unopened.exitCode, signal: null, output: unopened.words };

interface Held {
  readonly child: ChildProcess;
  readonly end: Promise<{ code: number | null; signal: string | null; output: string }>;
  said(): string;
  /** What it said on standard error. */
  failed(): string;
}

function held(child: ChildProcess): Held {
  let output = '';
  let errors = '';
  child.stderr?.on('data', (bytes) => {
    errors += bytes;
  });
  child.stdin?.on('error', () => {});
  child.stdout?.on('data', (bytes) => {
    output += bytes;
  });
  const end = once(child, 'close').then(([code, signal]) => ({ code, signal, output }));
  return { child, end, said: () => output, failed: () => errors };
}

/** Its signals are blocked once it waits. */
function listens(child: ChildProcess): Promise<boolean> {
  return until('the gate waits', async () => {
    const blocked = /^SigBlk:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
    return Number.parseInt(blocked ?? '0', 16) !== 0;
  });
}

function which(program: string): string {
  if (program.includes('/')) return program;
  return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
}
