/**
 * A network of our own: every member in a network namespace, joined by one bridge that lies in a namespace of
 * its own, the hub, where the harness runs too. The machine's own network gets no link, address or rule; names
 * start with `carillon-chaos-<pid>-`, and what a killed run left behind is swept by the next one.
 * Assumes root, iproute2 and iptables (used inside the namespaces alone).
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const prefix = 'carillon-chaos-';
const namespaces = '/run/netns';
const subnet = '10.77.0';
export const hub = 'hub';
const searchPath = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;

function run(program: string, args: readonly string[]): string {
  return execFileSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, PATH: searchPath },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export class Network {
  readonly #prefix: string;
  readonly #addresses = new Map<string, string>();

  /** `owner` is the process whose end makes the network an orphan. */
  constructor(owner: number, members: readonly string[]) {
    this.#prefix = `${prefix}${owner}-`;
    members.forEach((name, i) => {
      this.#addresses.set(name, `${subnet}.${i + 10}`);
    });
  }

  create(): void {
    sweep();
    const center = this.#namespace(hub);
    run('ip', ['netns', 'add', center]);
    run('ip', ['-n', center, 'link', 'set', 'lo', 'up']);
    run('ip', ['-n', center, 'link', 'add', 'br0', 'type', 'bridge']);
    run('ip', ['-n', center, 'addr', 'add', `${subnet}.1/24`, 'dev', 'br0']);
    run('ip', ['-n', center, 'link', 'set', 'br0', 'up']);
    for (const [name, address] of this.#addresses) this.#join(name, address);
  }

  #join(name: string, address: string): void {
    const [center, member] = [this.#namespace(hub), this.#namespace(name)];
    run('ip', ['netns', 'add', member]);
    // Made in the hub, with its other end in the member: the machine's own namespace never sees it.
    const peer = ['peer', 'name', 'eth0', 'netns', member];
    run('ip', ['-n', center, 'link', 'add', name, 'type', 'veth', ...peer]);
    run('ip', ['-n', center, 'link', 'set', name, 'master', 'br0', 'up']);
    run('ip', ['-n', member, 'addr', 'add', `${address}/24`, 'dev', 'eth0']);
    run('ip', ['-n', member, 'link', 'set', 'lo', 'up']);
    run('ip', ['-n', member, 'link', 'set', 'eth0', 'up']);
  }

  address(name: string): string {
    const address = this.#addresses.get(name);
    if (address === undefined) throw new Error(`the network has no member ${name}`);
    return address;
  }

  /** Of the bridge in the hub, which every member reaches unless it is isolated. */
  get hubAddress(): string {
    return `${subnet}.1`;
  }

  /** What goes before a command to run it in the namespace; the process keeps its pid. */
  enter(name: string): string[] {
    return ['nsenter', `--net=${namespaces}/${this.#namespace(name)}`, '--'];
  }

  /** Drops every packet between the member and the others, silently, both ways. */
  cut(name: string, others: readonly string[]): void {
    for (const other of others) {
      const address = this.address(other);
      this.#filter(name, ['-A', 'INPUT', '-s', address, '-j', 'DROP']);
      this.#filter(name, ['-A', 'OUTPUT', '-d', address, '-j', 'DROP']);
    }
  }

  /** Takes the cable out. */
  isolate(name: string): void {
    run('ip', ['-n', this.#namespace(hub), 'link', 'set', name, 'down']);
  }

  heal(name: string): void {
    run('ip', ['-n', this.#namespace(hub), 'link', 'set', name, 'up']);
    this.#filter(name, ['-F']);
  }

  #filter(name: string, rule: readonly string[]): void {
    const [program = '', ...args] = [...this.enter(name), 'iptables', '-w', ...rule];
    run(program, args);
  }

  /** What runs in the namespace. */
  processes(name: string): number[] {
    return processesIn(this.#namespace(name));
  }

  /** Ends by pid what still runs in the namespaces, whoever started it there, and removes them. */
  remove(): void {
    for (const name of readdirSync(namespaces)) if (name.startsWith(this.#prefix)) removeNamespace(name);
  }

  #namespace(name: string): string {
    return `${this.#prefix}${name}`;
  }
}

const processesIn = (namespace: string): number[] =>
  run('ip', ['netns', 'pids', namespace])
    .split('\n')
    .map(Number)
    .filter((pid) => pid !== 0 && pid !== process.pid);

function removeNamespace(name: string): void {
  for (const pid of processesIn(name)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself in the meantime.
    }
  }
  run('ip', ['netns', 'del', name]);
}

/** Removes the networks of harnesses that are no more. */
function sweep(): void {
  if (!existsSync(namespaces)) return;
  for (const name of readdirSync(namespaces)) {
    const owner = name.startsWith(prefix) ? /^\d+/.exec(name.slice(prefix.length))?.[0] : undefined;
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) removeNamespace(name);
  }
}

/** Why the harness cannot run here, or null when it can. */
export function programsMissing(): string | null {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const found = (program: string): boolean =>
    searchPath.split(':').some((directory) => existsSync(`${directory}/${program}`));
  const missing = ['ip', 'iptables', 'nsenter', 'setpriv', 'java'].filter((program) => !found(program));
  if (!existsSync('/usr/share/java/zookeeper.jar')) missing.push('zookeeper.jar');
  return missing.length === 0 ? null : `${missing.join(', ')} not installed`;
}
