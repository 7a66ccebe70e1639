/**
 * A Docker engine of our own for the tests: Debian's containerd and dockerd with every path below one temporary
 * directory, no bridge, no iptables, no change of the machine's network. Both are children of the test process
 * and die with it; what a killed test run left on disk is cleared by the next one.
 * Assumes test/support/install.sh has run. Leaves no process, mount, cgroup or file behind after `stop`.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import Docker from 'dockerode';
import { until } from './until.ts';

/** The image every engine has: busybox, nothing else. */
export const testImage = 'carillon-test:1';

/** A start takes about a second; on a machine that runs other tests as well, several. */
const startTimeoutMs = 30_000;
/** With no container left both daemons stop within a second. */
const stopTimeoutMs = 10_000;
const prefix = 'carillon-dockerd-';

/** Why no engine can be started here, or null when one can. */
export function dockerdMissing(): string | null {
  if (process.getuid?.() !== 0) return 'a private dockerd needs root';
  const missing = ['dockerd', 'containerd', 'runc', 'docker-init', 'busybox'].filter(
    (program) => !which(program),
  );
  if (missing.length === 0) return null;
  return `${missing.join(', ')} not installed; on Debian as root: bash test/support/install.sh`;
}

export class Dockerd {
  /** `unix:///…/docker.sock`. */
  readonly host: string;
  readonly socketPath: string;
  /** A client of its own, for looking behind the launcher's back. */
  readonly docker: Docker;
  readonly #dir: string;
  readonly #cgroup: string;
  readonly #inside: readonly string[];
  #containerd: ChildProcess | null = null;
  #dockerd: ChildProcess | null = null;

  /** `inside`: a command that runs the one behind it elsewhere, in another network for instance. */
  constructor(inside: readonly string[] = []) {
    clearAbandoned();
    this.#inside = inside;
    this.#dir = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
    this.#cgroup = this.#dir.slice(this.#dir.lastIndexOf('/') + 1);
    this.socketPath = join(this.#dir, 'docker.sock');
    this.host = `unix://${this.socketPath}`;
    this.docker = new Docker({ socketPath: this.socketPath });
  }

  /** Starts containerd and dockerd, waits until they answer and loads the test image. */
  async start(...args: readonly string[]): Promise<void> {
    await this.#startContainerd();
    await this.restart(...args);
    await loadImage(this.docker, this.#dir);
  }

  /** From now on its images and containers have no more room than this; before the first start. */
  boundDisk(bytes: number): void {
    mkdirSync(join(this.#dir, 'data'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, prefix, join(this.#dir, 'data')]);
  }

  /** Starts dockerd on the same root; the containers of before are there again. */
  async restart(...args: readonly string[]): Promise<void> {
    const path = (name: string) => join(this.#dir, name);
    this.#dockerd = this.#spawn('dockerd', [
      ...['--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false', '--bridge=none'],
      ...['--data-root', path('data'), '--exec-root', path('exec'), '--pidfile', path('docker.pid')],
      ...[
        '--host',
        this.host,
        '--containerd',
        path('containerd.sock'),
        '--cgroup-parent',
        `/${this.#cgroup}`,
      ],
      ...args,
    ]);
    await this.#answers('dockerd', this.#dockerd, async () => {
      await this.docker.ping();
      return true;
    });
  }

  /** kill -9 of dockerd; containerd and the containers run on. */
  async kill(): Promise<void> {
    await end(this.#dockerd, 'SIGKILL');
    this.#dockerd = null;
  }

  async restartAfterKill(): Promise<void> {
    await this.kill();
    await this.restart();
  }

  /** What a power cut does: nothing of it runs any more. */
  async crash(): Promise<void> {
    const daemons = [end(this.#dockerd, 'SIGKILL'), end(this.#containerd, 'SIGKILL')];
    await Promise.all(daemons);
    [this.#dockerd, this.#containerd] = [null, null];
    endContainers(this.#dir);
  }

  /** What `systemctl stop docker` does: dockerd stops its containers and ends. */
  async shutdown(): Promise<void> {
    await end(this.#dockerd, 'SIGTERM');
    this.#dockerd = null;
  }

  /** Holds the daemon still, so that connections are accepted and nothing is answered; returns the release. */
  freeze(): () => void {
    this.#dockerd?.kill('SIGSTOP');
    return () => this.#dockerd?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    if (this.#dockerd !== null) {
      const all = await this.docker.listContainers({ all: true }).catch(() => []);
      await Promise.all(
        all.map(({ Id }) =>
          this.docker
            .getContainer(Id)
            .remove({ force: true })
            .catch(() => {}),
        ),
      );
    }
    await end(this.#dockerd, 'SIGTERM');
    await end(this.#containerd, 'SIGTERM');
    clear(this.#dir);
  }

  /** What the daemons said, for a test that fails. */
  output(): string {
    return readFileSync(join(this.#dir, 'output.log'), 'utf8').slice(-20_000);
  }

  async #startContainerd(): Promise<void> {
    const path = (name: string) => join(this.#dir, name);
    writeFileSync(
      path('containerd.toml'),
      `version = 2\nroot = "${path('containerd')}"\nstate = "${path('state')}"\n` +
        `disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "${path('containerd.sock')}"\n`,
    );
    this.#containerd = this.#spawn('containerd', ['--config', path('containerd.toml')]);
    await this.#answers('containerd', this.#containerd, async () => existsSync(path('containerd.sock')));
  }

  #spawn(program: string, args: readonly string[]): ChildProcess {
    const log = openSync(join(this.#dir, 'output.log'), 'a');
    // The kernel ends the daemon should this process die without having stopped it.
    const command = ['--pdeathsig', 'KILL', ...this.#inside, which(program) ?? program, ...args];
    const child = spawn('setpriv', command, {
      stdio: ['ignore', log, log],
      // A node of a Swarm would ask a registry for each task, and wait for one that is not there.
      env: { PATH: searchPath, TMPDIR: this.#dir, DOCKER_SERVICE_PREFER_OFFLINE_IMAGE: '1' },
    });
    child.on('error', () => {});
    return child;
  }

  async #answers(name: string, child: ChildProcess, probe: () => Promise<boolean>): Promise<void> {
    const answered = async () => {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`${name} ended:\n${this.output()}`);
      return probe().catch(() => false);
    };
    await until(`${name} answers`, answered, startTimeoutMs).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.output()}`);
    });
  }
}

const searchPath = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;

function which(program: string): string | null {
  return (
    searchPath
      .split(':')
      .map((dir) => join(dir, program))
      .find((path) => existsSync(path)) ?? null
  );
}

async function end(child: ChildProcess | null, signal: NodeJS.Signals): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGCONT');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  await ended;
  clearTimeout(timer);
}

/** Makes `testImage` of the static busybox: the program, a link for each applet, and a user. */
async function loadImage(docker: Docker, dir: string): Promise<void> {
  const root = join(dir, 'image');
  for (const folder of ['bin', 'etc', 'tmp']) mkdirSync(join(root, folder), { recursive: true });
  const busybox = which('busybox') ?? 'busybox';
  cpSync(busybox, join(root, 'bin/busybox'), { dereference: true });
  for (const applet of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).split('\n')) {
    if (applet !== '' && applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
  }
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n');
  const tar = execFileSync('tar', ['-C', root, '-c', '.'], { maxBuffer: 64 * 1024 * 1024 });
  const [repo, tag] = testImage.split(':') as [string, string];
  const answer = (await docker.importImage(Readable.from([tar]), { repo, tag })) as Readable;
  // The answer names the image, or what went wrong; the inspection tells which.
  await answer.toArray();
  await docker.getImage(testImage).inspect();
  rmSync(root, { recursive: true, force: true });
}

/** Ends what still runs below the directory, unmounts what is mounted there and removes it. */
function clear(dir: string): void {
  endContainers(dir);
  for (const mount of mountsBelow(dir)) execFileSync('umount', ['-l', mount]);
  for (const cgroup of cgroupsOf(dir)) removeCgroups(cgroup);
  rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** Shims first: they would report the ends of the others. Returns when all are gone. */
function endContainers(dir: string): void {
  const deadline = performance.now() + stopTimeoutMs;
  const inContainers = () => cgroupsOf(dir).flatMap(processesIn);
  for (let pids = [...shims(dir), ...inContainers()]; pids.length > 0; pids = inContainers()) {
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself in the meantime.
      }
    }
    if (performance.now() > deadline) throw new Error(`processes of ${dir} do not end: ${pids.join(' ')}`);
    // A killed process leaves its control group a moment later.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
}

function cgroupsOf(dir: string): string[] {
  const name = dir.slice(dir.lastIndexOf('/') + 1);
  return readdirSync('/sys/fs/cgroup').map((hierarchy) => join('/sys/fs/cgroup', hierarchy, name));
}

function processesIn(cgroup: string): number[] {
  if (!existsSync(cgroup)) return [];
  const below = readdirSync(cgroup, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const own = readLines(join(cgroup, 'cgroup.procs'), '\n').filter(Boolean).map(Number);
  return [...own, ...below.flatMap(({ name }) => processesIn(join(cgroup, name)))];
}

/** Each container's shim carries the address of its containerd, which lies in our directory and nowhere else. */
function shims(dir: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      const args = readLines(`/proc/${pid}/cmdline`, '\0');
      return args[0]?.includes('containerd-shim') && args.some((arg) => arg.startsWith(`${dir}/`));
    })
    .map(Number);
}

/** Innermost first. */
function mountsBelow(dir: string): string[] {
  return readLines('/proc/self/mountinfo', '\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${dir}/`))
    .reverse();
}

function removeCgroups(path: string): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroups(join(path, entry.name));
  }
  const deadline = performance.now() + stopTimeoutMs;
  for (;;) {
    try {
      rmdirSync(path);
      return;
    } catch (error) {
      // A process that is no longer listed keeps its group busy until the kernel has put it away.
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || performance.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

/** Clears what test processes left that were killed before they could. */
function clearAbandoned(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = name.startsWith(prefix) ? /^\d+/.exec(name.slice(prefix.length))?.[0] : undefined;
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    const dir = join(tmpdir(), name);
    if (isOursToClear(dir)) clear(dir);
  }
}

/** Test processes that start together find the same: one clears it. */
function isOursToClear(dir: string): boolean {
  const mark = join(dir, 'cleared-by');
  try {
    writeFileSync(mark, String(process.pid), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
    if (existsSync(`/proc/${readLines(mark, '\n')[0] ?? ''}`)) return false;
    writeFileSync(mark, String(process.pid));
  }
  return true;
}

function readLines(path: string, separator: string): string[] {
  try {
    return readFileSync(path, 'utf8').split(separator);
  } catch {
    return [];
  }
}
