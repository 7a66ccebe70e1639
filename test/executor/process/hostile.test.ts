/** What a job of another user does to the scheduler by the files and processes that it owns. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { chmod, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LogFiles } from '../../../src/executor/logs/files.ts';
import { clearLaunch } from '../../../src/executor/process/clearing.ts';
import { readAsUser } from '../../../src/executor/secret-reader.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { LogChunk, LogQuery } from '../../../src/scheduler/ports.ts';
import { until } from '../../support/until.ts';
import { processSpec } from '../launch-spec.ts';
import { type ProcessHarness, processHarness, warnings } from './harness.ts';

const able =
  process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('gcc', ['--version']).status === 0;
/** Nobody else's, on a host that others use too. */
const uid = 61_234;
const user = `${uid}:${uid}`;

/** Stops all other processes of its user, again and again. */
const stopper = `
#include <signal.h>
#include <unistd.h>
int main(void) { alarm(120); write(1, "!", 1); for (;;) kill(-1, SIGSTOP); }`;
/** Holds a lease on a file, whatever the system says, until it is killed. */
const holder = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
int main(int n, char **names) {
  alarm(120); signal(SIGIO, SIG_IGN);
  if (fcntl(open(names[n - 1], O_RDWR), F_SETLEASE, F_WRLCK) == 0) write(1, "!", 1);
  for (;;) pause();
}`;

let harness: ProcessHarness;
let programs: string;
const children: ChildProcess[] = [];
beforeAll(async () => {
  if (!able) return;
  harness = await processHarness();
  await chmod(join(harness.dir, '..'), 0o755);
  await chmod(harness.traces, 0o777);
  programs = mkdtempSync(join(tmpdir(), 'carillon-hostile-'));
  chmodSync(programs, 0o755);
  for (const [name, source] of Object.entries({ stopper, holder })) {
    writeFileSync(join(programs, `${name}.c`), source);
    execFileSync('gcc', ['-O1', '-w', '-o', join(programs, name), join(programs, `${name}.c`)]);
  }
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  if (!able) return;
  rmSync(programs, { recursive: true });
  await harness.close();
  expect(warnings).toEqual([]);
});

/** A program as the user; resolves when it is at it. */
async function begun(name: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(join(programs, name), args, { uid, gid: uid, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child;
}

describe.skipIf(!able)('a process of the user of a job', () => {
  test('that stops all others of its user holds up neither a start nor the removal of a launch', async () => {
    const left = join(programs, 'left');
    for (const name of ['', 'work', 'claim', 'log']) mkdirSync(join(left, name));
    for (let n = 0; n < 5_000; n++) writeFileSync(join(left, 'work', String(n)), '');
    chownSync(join(left, 'work'), uid, uid);
    await begun('stopper');
    expect(await clearLaunch(left, harness.supervisor)).toBe(true);
    const launcher = harness.create();
    await launcher.start();
    for (let n = 0; n < 6; n++) {
      const launchName = `stopped-${n}`;
      await launcher.launch(processSpec('true', { launchName, user }));
      await launcher.kill(launchName, 0);
    }
    const states = async () => (await launcher.inventory()).map(({ state }) => state);
    await until('their end', async () => (await states()).every((state) => state === 'ended'));
    for (const { launchName } of await launcher.inventory()) await launcher.remove(launchName);
    await launcher.stop();
  });

  test.each<[string, boolean]>([
    ['the supervisor', true],
    ['no supervisor that opens files', false],
  ])(
    'that stops all others of its user holds up no start that needs a secret of that user, with %s',
    async (_, opens) => {
      const file = join(programs, `secret-${opens}`);
      writeFileSync(file, 'word', { mode: 0o400 });
      chownSync(file, uid, uid);
      await begun('stopper');
      const owner = { uid, gid: uid };
      for (let n = 0; n < 6; n++) {
        const { bytes, problem } = await readAsUser(file, owner, opens ? harness.supervisor : null);
        expect([bytes?.toString(), problem]).toEqual(['word', null]);
      }
      // The rights are the user's all the same.
      chownSync(file, 0, 0);
      const { problem } = await readAsUser(file, owner, opens ? harness.supervisor : null);
      expect(problem).toBe('cannot be opened (EACCES)');
    },
  );

  test('that holds a lease on its output holds up no thread of the scheduler', async () => {
    const folder = join(programs, 'log');
    mkdirSync(folder);
    const path = join(folder, 'stdout');
    writeFileSync(path, 'x'.repeat(1_000));
    chownSync(path, uid, uid);
    const child = await begun('holder', path);
    const files = new LogFiles(folder, 1_000);
    await files.trim();
    expect((await stat(path)).size).toBe(1_000);
    const read = (query: LogQuery) => files.read(query, { clock: realClock, ended: () => true });
    const text = async (chunks: AsyncIterable<LogChunk>) => {
      const parts: Uint8Array[] = [];
      for await (const { bytes } of chunks) parts.push(bytes);
      return Buffer.concat(parts).toString();
    };
    const held =
      '[carillon: stdout cannot be read now, because a process holds a lease on it: try again in a minute]\n';
    expect(await text(read({}))).toBe(held);
    expect(await text(read({ tail: 1 }))).toBe(held);
    const followed = read({ follow: true });
    const begin = await followed.next();
    expect(Buffer.from(begin.value?.bytes ?? []).toString()).toBe(held);
    await expect(files.takeOver()).rejects.toThrow('EAGAIN');
    child.kill('SIGKILL');
    expect(await text(followed)).toBe('x'.repeat(1_000));
    await until('the file is free', async () => files.trim().then(() => statSync(path).size === 0));
    await files.takeOver();
    expect(statSync(path).uid).toBe(0);
  });

  test('that kept a name of its output can change nothing of what is kept of it', async () => {
    const launcher = harness.create();
    await launcher.start();
    const launchName = 'linked';
    const mine = join(harness.traces, 'mine');
    await launcher.launch(processSpec(`ln -L /proc/self/fd/1 ${mine}; echo printed`, { launchName, user }));
    await until('its end', async () => (await launcher.inventory()).every(({ state }) => state === 'ended'));
    await launcher.remove(launchName);
    execFileSync('sh', ['-c', `echo forged > ${mine}`], { uid, gid: uid });
    const parts: Uint8Array[] = [];
    for await (const { bytes } of launcher.logs(launchName, {})) parts.push(bytes);
    expect(Buffer.concat(parts).toString()).toBe('printed\n');
    expect(readFileSync(mine, 'utf8')).toBe('forged\n');
    await launcher.stop();
  });
});

describe.skipIf(!able)('a number that system calls take for another user', () => {
  test.each(['4294967295:1', '1:4294967295', '4294967296:4294967296', '65534:4294967295'])(
    '%s is refused',
    async (user) => {
      const launcher = harness.create();
      await launcher.start();
      await expect(launcher.launch(processSpec('id', { launchName: 'numbered', user }))).rejects.toThrow(
        expect.objectContaining({
          code: 'LAUNCH_REFUSED',
          message: expect.stringContaining('is not a valid user'),
        }),
      );
      await launcher.stop();
    },
  );
});
