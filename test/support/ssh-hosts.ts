/**
 * Hosts with real SSH servers for the tests: each in a network namespace of its own, and with a mount namespace in which it
 * has its own boot, so that it can be restarted. They share the files of this machine; each has a folder for its launches.
 * Assumes root, OpenSSH, and what test/chaos/network.ts needs. Leaves nothing behind after `stop`.
 */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hub, Network } from '../chaos/network.ts';
import { until } from './until.ts';

const diskBytes = 4 * 1024 * 1024;
const searchPath = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;

const run = (program: string, args: readonly string[]): void => {
  execFileSync(program, args, { env: { PATH: searchPath }, stdio: ['ignore', 'ignore', 'inherit'] });
};

/** It may end by itself meanwhile. */
function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function isServer(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('sshd');
  } catch {
    return false;
  }
}

/** Why none can be started here, or null. */
export function sshMissing(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux';
  const missing = ['ssh', 'sshd', 'ssh-keygen', 'ip', 'iptables', 'busybox'].filter(
    (program) => spawnSync('sh', ['-c', `command -v ${program}`], { env: { PATH: searchPath } }).status !== 0,
  );
  return missing.length === 0 ? null : `needs ${missing.join(', ')}`;
}

export class SshHosts {
  readonly dir = mkdtempSync(join(tmpdir(), 'carillon-ssh-'));
  /** The file for `--ssh-hosts`. */
  readonly file = join(this.dir, 'hosts.yaml');
  readonly #names: readonly string[];
  readonly #network: Network;
  readonly #servers = new Map<string, ChildProcess>();

  constructor(names: readonly string[]) {
    this.#names = names;
    this.#network = new Network(process.pid, names);
  }

  async start(): Promise<void> {
    this.#network.create();
    this.#newKey('client');
    for (const name of this.#names) {
      mkdirSync(this.folder(name));
      run('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', this.folder(name)]);
      this.#newKey(`key-${name}`);
      this.restart(name);
    }
    this.trust();
    // Into the network of the hosts.
    const proxy = [...this.#network.enter(hub), 'busybox', 'nc', '%h', '%p'].join(' ');
    writeFileSync(join(this.dir, 'client-config'), `ProxyCommand ${proxy}\n`);
    this.write(this.#names.map((name) => this.entry(name)));
    for (const name of this.#names) await this.listens(name);
  }

  /** Where a host has its launches. */
  folder(name: string): string {
    return join(this.dir, `on-${name}`);
  }

  /** The host in the file, without labels. */
  entry(name: string, more: object = {}): object {
    return {
      name,
      address: this.#network.address(name),
      user: 'root',
      identityFile: join(this.dir, 'client'),
      knownHosts: join(this.dir, 'known-hosts'),
      config: join(this.dir, 'client-config'),
      folder: this.folder(name),
      ...more,
    };
  }

  write(entries: readonly object[]): void {
    writeFileSync(this.file, JSON.stringify(entries));
  }

  /** Drops all packets, silently. */
  cut(name: string): void {
    this.#network.isolate(name);
  }

  heal(name: string): void {
    this.#network.heal(name);
  }

  /**
   * Starts the host, with another boot unless only its server was gone. Its user has an empty home: what a login shell of this
   * machine's owner does is not for tests.
   */
  restart(name: string, { sameBoot = false } = {}): void {
    const boot = join(this.dir, `boot-${name}`);
    if (!sameBoot) writeFileSync(boot, `${randomUUID()}\n`);
    const config = join(this.dir, `sshd-${name}`);
    writeFileSync(
      config,
      [
        'Port 22',
        `HostKey ${join(this.dir, `key-${name}`)}`,
        `AuthorizedKeysFile ${join(this.dir, 'client.pub')}`,
        'PermitRootLogin prohibit-password',
        'PasswordAuthentication no',
        'StrictModes no',
        'UsePAM no',
        'PidFile none',
        'PrintMotd no',
        '',
      ].join('\n'),
    );
    const script =
      'mount -t tmpfs tmpfs /run && mkdir -p /run/sshd && mount -t tmpfs tmpfs /root && mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"';
    const [program = '', ...args] = [
      ...this.#network.enter(name),
      ...['unshare', '--mount', 'sh', '-c', script, boot, '/usr/sbin/sshd', '-D', '-e', '-f', config],
    ];
    const server = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'ignore'],
      env: { PATH: searchPath, HOME: '/root' },
    });
    this.#servers.set(name, server);
  }

  /** Ends its SSH server, and the connections to it. */
  async crashServer(name: string): Promise<void> {
    for (const pid of this.#network.processes(name)) if (isServer(pid)) end(pid);
    await this.#exited(name);
  }

  /** Leaves no room on the disk with this file. */
  fill(file: string): void {
    try {
      writeFileSync(file, Buffer.alloc(2 * diskBytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }

  /** Where the supervisor's program is on the host. */
  programs(name: string): string[] {
    const files = readdirSync(this.folder(name)).filter((file) => file.startsWith('supervisor-'));
    return files.map((file) => join(this.folder(name), file));
  }

  /** Ends everything on the host at once. */
  async crash(name: string): Promise<void> {
    for (const pid of this.#network.processes(name)) end(pid);
    await this.#exited(name);
  }

  async #exited(name: string): Promise<void> {
    const server = this.#servers.get(name);
    if (server && server.exitCode === null && server.signalCode === null) await once(server, 'exit');
  }

  /** The host gets another key; clients know the one before. */
  changeKey(name: string): void {
    this.#newKey(`key-${name}`);
  }

  /** Clients know the keys that hosts have now. */
  trust(): void {
    const lines = this.#names.map((name) => {
      const [kind, key] = readFileSync(join(this.dir, `key-${name}.pub`), 'utf8').split(' ');
      return `${this.#network.address(name)} ${kind} ${key}\n`;
    });
    writeFileSync(join(this.dir, 'known-hosts'), lines.join(''));
  }

  async listens(name: string): Promise<void> {
    const reach = `exec 3<>/dev/tcp/${this.#network.address(name)}/22`;
    const [program = '', ...args] = [...this.#network.enter(hub), 'bash', '-c', reach];
    await until(
      `${name} listens`,
      async () => spawnSync(program, args, { stdio: 'ignore' }).status === 0 || null,
    );
  }

  async stop(): Promise<void> {
    for (const name of this.#names) await this.crash(name);
    this.#network.remove();
    for (const name of this.#names) run('umount', ['--lazy', this.folder(name)]);
    rmSync(this.dir, { recursive: true, force: true });
  }

  #newKey(name: string): void {
    rmSync(join(this.dir, name), { force: true });
    rmSync(join(this.dir, `${name}.pub`), { force: true });
    const path = join(this.dir, name);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', path]);
  }
}
