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
import { readAsUser } from '../../../src/executor/secrets/reader.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { LogChunk, LogQuery, Observation } from '../../../src/scheduler/ports.ts';
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

/**
 * Writes a page to a file or, without a name, 8 MiB to its output. All but the last page is there at once, and the last
 * one when a byte or the end of its input comes: until then it is within the one write.
 */
const writer = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
static int file = 1; static char *page;
static long size;
static void *writing(void *_) { write(file, page, size); exit(0); }
int main(int n, char **names) {
  alarm(20);
  if (n > 1) file = open(names[1], O_WRONLY | O_APPEND);
  size = (n > 1 ? 1 : 2048) * 4096;
  page = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *const last = page + size - 4096;
  memset(page, 'w', size - 4096);
  const int faults = syscall(SYS_userfaultfd, O_CLOEXEC);
  struct uffdio_api api = {.api = UFFD_API};
  struct uffdio_register all = {.range = {(unsigned long)last, 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  if (ioctl(faults, UFFDIO_API, &api) || ioctl(faults, UFFDIO_REGISTER, &all)) return 1;
  pthread_t thread; struct uffd_msg fault; char bytes[4096];
  pthread_create(&thread, 0, writing, 0);
  read(faults, &fault, sizeof fault);
  if (n > 1) write(1, "!", 1);
  read(0, bytes, 1);
  memset(bytes, 'w', sizeof bytes);
  struct uffdio_copy answer = {.dst = (unsigned long)last, .src = (unsigned long)bytes, .len = 4096};
  ioctl(faults, UFFDIO_COPY, &answer);
  pthread_join(thread, 0);
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
  for (const [name, source] of Object.entries({ stopper, holder, writer })) {
    writeFileSync(join(programs, `${name}.c`), source);
    execFileSync('gcc', ['-O1', '-w', '-pthread', '-o', join(programs, name), join(programs, `${name}.c`)]);
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
  // Only root's page faults within a system call can be answered by a program.
  const rights = name === 'writer' ? {} : { uid, gid: uid };
  const child = spawn(join(programs, name), args, { ...rights, stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child;
}

const ended = { clock: realClock, ended: () => true };

async function textOf(chunks: AsyncIterable<LogChunk>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const { bytes } of chunks) parts.push(bytes);
  return Buffer.concat(parts).toString();
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
    const read = (query: LogQuery) => files.read(query, ended);
    const held =
      '[carillon: stdout cannot be read now, because a process holds a lease on it: try again in a minute]\n';
    expect(await textOf(read({}))).toBe(held);
    expect(await textOf(read({ tail: 1 }))).toBe(held);
    const followed = read({ follow: true });
    const begin = await followed.next();
    expect(Buffer.from(begin.value?.bytes ?? []).toString()).toBe(held);
    const moved = join(programs, 'log-moved');
    await expect(files.moveTo(moved)).rejects.toThrow('EAGAIN');
    child.kill('SIGKILL');
    expect(await textOf(followed)).toBe('x'.repeat(1_000));
    await until('the file is free', async () => files.trim().then(() => statSync(path).size === 0));
    await files.moveTo(moved);
    expect(statSync(join(moved, 'stdout')).uid).toBe(0);
  });

  test('that does not end a write to its output holds up no other run, and is ended by a kill', async () => {
    const launcher = harness.create({ logBytesPerStream: 10_000 });
    const seen: Observation[] = [];
    launcher.onObservation((observation) => void seen.push(observation));
    await launcher.start();
    const has = (launchName: string, kind: Observation['kind']) =>
      seen.some((each) => each.launchName === launchName && each.kind === kind);
    const input = join(harness.traces, 'input-of-writer');
    execFileSync('mkfifo', [input]);
    const script = `exec ${join(programs, 'writer')} <>${input}`;
    await launcher.launch(processSpec(script, { launchName: 'writing' }));
    await until('all but the end of its write', () => has('writing', 'output-dropped'));
    await launcher.launch(processSpec('head -c 20000 /dev/zero; sleep 60', { launchName: 'printing' }));
    await until('the dropped output of another', () => has('printing', 'output-dropped'));
    await launcher.kill('printing', 0);
    await until('the end of another', () => has('printing', 'ended'));
    expect(has('writing', 'ended')).toBe(false);
    // Its supervisor waits for the end of the write, so the scheduler kills it by itself.
    await launcher.kill('writing', 0);
    await until('its end', () => has('writing', 'ended'));
    for (const launchName of ['writing', 'printing']) await launcher.remove(launchName);
    await launcher.stop();
  });

  test('that kept a name of its output can change nothing of what is kept of it, under the shell', async () => {
    const launcher = harness.create({ supervisor: null, cgroups: null });
    await launcher.start();
    const launchName = 'linked';
    const mine = join(harness.traces, 'mine');
    await launcher.launch(processSpec(`ln -L /proc/self/fd/1 ${mine}; echo printed`, { launchName, user }));
    await until('its end', async () => (await launcher.inventory()).every(({ state }) => state === 'ended'));
    await launcher.remove(launchName);
    execFileSync('sh', ['-c', `echo forged > ${mine}`], { uid, gid: uid });
    expect(await textOf(launcher.logs(launchName, {}))).toBe('printed\n');
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
