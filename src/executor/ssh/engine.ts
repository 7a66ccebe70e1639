/** The hosts of the file, as one engine. Each launch is on one of them, which the core chooses. */

import { readFile, stat } from 'node:fs/promises';
import { CarillonError } from '../../errors.ts';
import type {
  EngineDescription,
  EngineHost,
  EngineHosts,
  HostLauncher,
  Launcher,
  LogChunk,
} from '../../scheduler/ports.ts';
import { within } from '../../scheduler/waiting.ts';
import { AllHosts, allHosts } from './all-hosts.ts';
import { type HostParts, SshHost } from './host.ts';
import { type Host, hostsFileLimits, parseHosts } from './hosts-file.ts';

/** How often the file is looked at. */
const lookEveryMs = 2_000;
/** Maximum concurrent attempts that run on all hosts. */
const launchesOnAll = 1_000;
/** Connections that are begun at once. One that takes longer than its turn waits for the network, and for no processor. */
const connectsAtOnce = 8;
const turnMs = 1_000;

export interface SshLauncherParts extends Omit<HostParts, 'inTurn' | 'onPart'> {
  /** The file of hosts. */
  readonly path: string;
}

/** INVALID_FIELD, or an error of the system, if the file cannot be used. */
export async function readHosts(path: string): Promise<readonly Host[]> {
  const { size } = await stat(path);
  if (size > hostsFileLimits.bytes)
    throw new CarillonError(
      'LIMIT_EXCEEDED',
      `${path} has ${size} bytes. Allowed: at most ${hostsFileLimits.bytes}.`,
    );
  return parseHosts(await readFile(path, 'utf8'), path);
}

export class SshLauncher implements Launcher, EngineHosts {
  readonly engine = 'ssh';
  readonly #parts: SshLauncherParts;
  readonly #hosts = new Map<string, SshHost>();
  readonly #all: AllHosts;
  readonly #waiting: (() => void)[] = [];
  #listed: readonly Host[];
  #seen = '';
  #problem: string | null = null;
  #connects = 0;
  #cancelLook: (() => void) | null = null;
  #stopped = false;

  constructor(parts: SshLauncherParts, listed: readonly Host[]) {
    this.#parts = parts;
    this.#listed = listed;
    this.#all = new AllHosts({
      clock: parts.clock,
      listed: () => this.#listed.flatMap(({ name }) => this.#host(name) ?? []),
      host: (name) => this.#host(name),
    });
  }

  get hosts(): EngineHosts {
    return this;
  }

  async start(): Promise<void> {
    await this.#look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelLook?.();
    await Promise.all([...this.#hosts.values()].map((host) => host.stop()));
  }

  list(): readonly EngineHost[] {
    const hosts = this.#listed.map(({ name, labels, concurrency }) => ({
      id: name,
      labels,
      slots: concurrency,
    }));
    return [...hosts, { id: allHosts, labels: {}, slots: launchesOnAll, isAll: true }];
  }

  /** Also one that the file no longer has, as long as this process has used it: it may still have launches. */
  at(name: string): HostLauncher | undefined {
    return name === allHosts ? this.#all : this.#host(name);
  }

  #host(name: string): SshHost | undefined {
    const known = this.#hosts.get(name);
    const listed = this.#listed.find((host) => host.name === name);
    if (known !== undefined || listed === undefined || this.#stopped) return known;
    const host = new SshHost(listed, {
      ...this.#parts,
      inTurn: (task) => this.#inTurn(task),
      onPart: (host, observation) => this.#all.observed(host, observation),
    });
    this.#hosts.set(name, host);
    return host;
  }

  async describe(): Promise<EngineDescription> {
    const described = await Promise.all(
      this.#listed.map(async ({ name }) => ({ name, ...(await this.#host(name)?.describe()) })),
    );
    const there = described.filter(({ reachable }) => reachable === true);
    const silent = described.flatMap(({ name, reachable, detail }) =>
      reachable === true ? [] : [`${name}: ${detail ?? 'not asked'}`],
    );
    const sum = (of: 'cpus' | 'memoryBytes') => there.reduce((total, each) => total + (each[of] ?? 0), 0);
    const count = `${there.length} of ${described.length} hosts respond`;
    return {
      reachable: there.length > 0 || described.length === 0,
      version: null,
      detail: [this.#problem?.replace(/\.$/, '') ?? null, count, ...silent.slice(0, 5)]
        .filter((text) => text !== null)
        .join('; '),
      cpus: sum('cpus'),
      memoryBytes: sum('memoryBytes'),
      hosts: described.map(({ name, reachable = false, detail = null }) => ({ name, reachable, detail })),
    };
  }

  onObservation(): void {
    // Hosts tell whoever asks them.
  }

  async launch(): Promise<void> {
    throw new CarillonError('NO_PLACE', 'a launch of this engine is on one of its hosts');
  }

  async kill(): Promise<void> {}

  async takeBack(): Promise<void> {}

  async remove(): Promise<void> {}

  async inventory(): ReturnType<Launcher['inventory']> {
    return [];
  }

  // biome-ignore lint/correctness/useYield: there is none without a host
  async *logs(launchName: string): AsyncGenerator<LogChunk, void, undefined> {
    throw new CarillonError('LOGS_GONE', `The host of ${launchName} is not known.`);
  }

  /** Reads the file again if it has changed. A mistake in it changes nothing. */
  async #look(): Promise<void> {
    const { path, log, clock } = this.#parts;
    try {
      const { mtimeMs, ino, size } = await stat(path);
      const seen = `${mtimeMs} ${ino} ${size}`;
      if (seen !== this.#seen || this.#problem !== null) {
        this.#seen = seen;
        this.#listed = await readHosts(path);
        for (const host of this.#listed) this.#hosts.get(host.name)?.update(host);
        log.info({ path, hosts: this.#listed.length }, 'ssh.hosts-read');
        this.#problem = null;
      }
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (problem !== this.#problem) log.warn({ path, error: problem }, 'ssh.hosts-not-read');
      this.#problem = problem;
    }
    if (!this.#stopped) this.#cancelLook = clock.after(lookEveryMs, () => void this.#look());
  }

  async #inTurn<T>(task: () => Promise<T>): Promise<T> {
    while (this.#connects >= connectsAtOnce)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#connects += 1;
    const result = task();
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    void within(this.#parts.clock, turnMs, settled).then(() => {
      this.#connects -= 1;
      this.#waiting.shift()?.();
    });
    return result;
  }
}
