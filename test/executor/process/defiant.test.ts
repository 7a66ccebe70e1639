/** What a job does to its own supervisor: by its streams, by process numbers, and by how it runs away. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { LogQuery, Observation } from '../../../src/scheduler/ports.ts';
import { until } from '../../support/until.ts';
import { processSpec } from '../launch-spec.ts';
import { type ProcessHarness, processHarness, warnings } from './harness.ts';

const able = process.platform === 'linux' && spawnSync('gcc', ['--version']).status === 0;
const root = process.getuid?.() === 0;

const programs = {
  /** Makes its pipe larger and prints without a pause; SIGTERM ends it with 3. */
  flood: `
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
static void end(int signal) { _exit(3); }
int main(int count, char **names) {
  static char line[65536];
  alarm(60);
  signal(SIGTERM, end);
  for (int i = 0; i < 65535; i++) line[i] = 'x';
  line[65535] = '\\n';
  for (int i = 0; i < 10; i++) write(1, line, sizeof line);
  fcntl(1, F_SETPIPE_SZ, 1 << 20);
  for (int i = 0; i < 4; i++) fork();
  for (;;) write(1, line + 65535, 1);
}`,
  /** Makes its pipe larger and prints ten lines at once; then it waits. */
  burst: `
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>
int main(void) {
  alarm(60);
  fcntl(1, F_SETPIPE_SZ, 1 << 16);
  for (int i = 0; i < 10; i++) write(1, "line\\n", 5);
  pause();
}`,
  /** Passes its stdout to whoever listens on a socket, and ends with 4. */
  pass: `
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
int main(int count, char **names) {
  struct sockaddr_un to = {AF_UNIX};
  int output = 1, s = socket(AF_UNIX, SOCK_STREAM, 0);
  char byte = 0, room[CMSG_SPACE(sizeof output)];
  struct iovec one = {&byte, 1};
  struct msghdr message = {0, 0, &one, 1, room, sizeof room};
  struct cmsghdr *head = (void *)room;
  *head = (struct cmsghdr){CMSG_LEN(sizeof output), SOL_SOCKET, SCM_RIGHTS};
  memcpy(CMSG_DATA(head), &output, sizeof output);
  strcpy(to.sun_path, names[1]);
  connect(s, (void *)&to, sizeof to);
  sendmsg(s, &message, 0);
  read(s, &byte, 1);
  return 4;
}`,
  /** Listens, and prints without a pause to the descriptor that it is passed. */
  outsider: `
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
int main(int count, char **names) {
  struct sockaddr_un at = {AF_UNIX};
  int output, s = socket(AF_UNIX, SOCK_STREAM, 0);
  char byte, room[CMSG_SPACE(sizeof output)];
  struct iovec one = {&byte, 1};
  struct msghdr message = {0, 0, &one, 1, room, sizeof room};
  alarm(60);
  signal(SIGPIPE, SIG_IGN);
  strcpy(at.sun_path, names[1]);
  bind(s, (void *)&at, sizeof at);
  listen(s, 1);
  write(1, "!", 1);
  s = accept(s, 0, 0);
  recvmsg(s, &message, 0);
  memcpy(&output, CMSG_DATA((struct cmsghdr *)room), sizeof output);
  fcntl(output, F_SETPIPE_SZ, 1 << 20);
  static char bytes[65536];
  for (int i = 0; i < 4; i++) fork();
  for (int first = 1; write(output, bytes, 1) > 0; first = 0) if (first) write(s, "!", 1);
}`,
  /** Ends with 5, and what it leaves behind goes through the process numbers until one has the job's, and ends with 0. */
  namesake: `
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **names) {
  int job = getpid();
  if (fork()) return 5;
  setsid();
  alarm(60);
  int parent = getpid();
  while (kill(job, 0) == 0) usleep(1000);
  for (;;) {
    int file = open("/proc/sys/kernel/ns_last_pid", O_WRONLY);
    dprintf(file, "%d", job - 1);
    close(file);
    int child = fork();
    if (child == 0 && getpid() != job) _exit(0);
    if (child == 0) {
      while (getppid() == parent) usleep(1000);
      close(open(names[1], O_CREAT | O_WRONLY, 0600));
      _exit(0);
    }
    if (child == job) _exit(0);
    waitpid(child, 0, 0);
  }
}`,
  /** A process that is never there for long: each makes the next one and ends. */
  hopper: `
#include <signal.h>
#include <unistd.h>
int main(void) {
  signal(SIGTERM, SIG_IGN);
  signal(SIGCHLD, SIG_IGN);
  write(1, "all\\n", 4);
  for (long n = 0; n < 300000; n++) { if (fork()) _exit(0); setsid(); }
}`,
  /** So many processes in sessions of their own that ignore SIGTERM. */
  crowd: `
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
int main(int count, char **names) {
  signal(SIGTERM, SIG_IGN);
  alarm(120);
  for (int n = 5000; n > 0; n--) if (fork() == 0) { setsid(); alarm(120); for (;;) pause(); }
  write(1, "all\\n", 4);
  for (;;) pause();
}`,
};

let harness: ProcessHarness;
let folder: string;
const children: ChildProcess[] = [];
beforeAll(async () => {
  if (!able) return;
  harness = await processHarness('program');
  folder = mkdtempSync(join(tmpdir(), 'carillon-defiant-'));
  for (const [name, source] of Object.entries(programs)) {
    writeFileSync(join(folder, `${name}.c`), source);
    execFileSync('gcc', ['-O1', '-w', '-o', join(folder, name), join(folder, `${name}.c`)]);
  }
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  if (!able) return;
  rmSync(folder, { recursive: true });
  await harness.close();
  expect(warnings).toEqual([]);
});

let sequence = 0;
async function begin(script: string, options = {}) {
  const launcher = harness.create(options);
  const launchName = `defiant-${++sequence}`;
  const seen: Observation[] = [];
  launcher.onObservation((observation) => void seen.push(observation));
  await launcher.start();
  await launcher.launch(processSpec(script, { launchName }));
  type Ended = Extract<Observation, { kind: 'ended' }>;
  const ended = (timeoutMs = 10_000) =>
    until('its end', () => seen.find((one): one is Ended => one.kind === 'ended'), timeoutMs);
  async function read(query: LogQuery = {}) {
    const parts: Uint8Array[] = [];
    for await (const { bytes } of launcher.logs(launchName, query)) parts.push(bytes);
    return Buffer.concat(parts).toString();
  }
  const finish = async () => {
    await launcher.remove(launchName);
    await launcher.stop();
  };
  return { launcher, launchName, ended, read, finish };
}

describe.skipIf(!able)('a job', () => {
  test('that makes its pipe larger and prints without a pause is read like others, and gets TERM', async () => {
    const { launcher, launchName, ended, read, finish } = await begin(`exec ${join(folder, 'flood')}`);
    // This read ends, too.
    await until('output', async () => (await read({ tail: 1 })).length > 0);
    await launcher.kill(launchName, 60_000);
    expect((await ended(3_000)).exitCode).toBe(3);
    await finish();
  });

  test('that makes its pipe larger has all its output read while it runs', async () => {
    const { launcher, launchName, ended, read, finish } = await begin(`exec ${join(folder, 'burst')}`);
    await until('all lines', async () => (await read()) === 'line\n'.repeat(10));
    await launcher.kill(launchName, 0);
    await ended();
    await finish();
  });

  test('whose output is with a process of somebody else ends when it ends', async () => {
    const socket = join(folder, 'socket');
    const outsider = spawn(join(folder, 'outsider'), [socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(outsider);
    await new Promise((resolve) => outsider.stdout?.once('data', resolve));
    const { ended, finish } = await begin(`exec ${join(folder, 'pass')} ${socket}`);
    expect((await ended()).exitCode).toBe(4);
    await finish();
  });

  test.runIf(root)('has its own exit code, whatever process of it has its number later', async () => {
    const met = join(harness.traces, 'met');
    const { ended, finish } = await begin(`exec ${join(folder, 'namesake')} ${met}`);
    expect([(await ended()).exitCode, existsSync(met)]).toEqual([5, true]);
    await finish();
  });

  test('that prints faster than it is read is followed to its end', async () => {
    const { ended, read, finish } = await begin('yes | head -c 300000000; echo last', {
      logBytesPerStream: 20_000,
    });
    expect((await read({ follow: true })).slice(-5)).toBe('last\n');
    await ended();
    await finish();
  });

  test('has the end of its output kept when it is removed', async () => {
    const { ended, read, finish } = await begin('seq 1 20000', { logBytesPerStream: 20_000 });
    await ended();
    const before = await read();
    await finish();
    expect(before.slice(-6)).toBe('20000\n');
    expect(await read()).toBe(before);
  });

  test.each<[string, string]>([
    ['whose one process is another one all the time', 'hopper'],
    ['of 5,000 processes in sessions of their own', 'crowd'],
  ])('%s is killed', async (_, program) => {
    const { launcher, launchName, ended, read, finish } = await begin(`exec ${join(folder, program)}`);
    await until('all of it', async () => (await read()) === 'all\n');
    await launcher.kill(launchName, 100);
    await ended();
    await finish();
  });
});
