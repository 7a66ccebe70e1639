/** Launches on a host: files as on the scheduler's own host, which its agent creates, reads and removes. */

import { join } from 'node:path';
import type { Clock } from '../../scheduler/ports.ts';
import { sleep } from '../../scheduler/waiting.ts';
import { isLaunchName } from '../logs/run-logs.ts';
import { type FileRecord, type Journal, parseLaunchFile } from '../supervised/journal.ts';
import type { Launch, Launches } from '../supervised/launch.ts';
import { createServedLaunches, takeBack, takeName } from '../supervised/served.ts';
import type { Agent, Alive, Head } from './agent.ts';
import { hostsFileLimits, isHostName } from './hosts-file.ts';
import { HostOutput } from './output.ts';

/** How long what a list said of a launch counts as current. */
const listedForMs = 2_000;
/** Time for processes to disappear after KILL. */
const goneWithinMs = 2_000;
const gonePollMs = 50;

export interface HostLaunchesParts {
  /** The current agent; it may be gone. */
  readonly agent: () => Agent;
  readonly clock: Clock;
  /** Bound of a launch's output, both streams together. */
  readonly logBytes: number;
  /** Its name in the file of hosts. */
  readonly host: string;
}

/** A launch as its host tells of it. Times are by the host's clock. */
interface Seen {
  readonly alive: Alive;
  readonly record: FileRecord | null;
  readonly journal: Journal;
}

export interface HostLaunch extends Launch {
  /** Null if the launch is gone. */
  look(): Promise<Pick<Seen, 'alive' | 'journal'> | null>;
}

export class HostLaunches implements Launches {
  readonly #parts: HostLaunchesParts;
  readonly begin: Launches['begin'];
  /** Launches that run on several hosts, with these. */
  readonly #everywhere = new Map<string, readonly string[]>();
  readonly #listed = new Map<string, { readonly seen: Seen; readonly atMs: number }>();

  constructor(parts: HostLaunchesParts) {
    this.#parts = parts;
    // None waits at its gate before it is due: which host a job gets is not known then.
    ({ begin: this.begin } = createServedLaunches({
      logBytes: parts.logBytes,
      server: { prepare: (launch) => parts.agent().prepare(launch) },
      // What needs them is refused when a job is submitted.
      limitGroups: { create: async () => [], remove: async () => undefined },
      launchOf: (name, record) => {
        this.#note(name, record);
        return new LaunchOnHost(parts, name, record);
      },
      workOf: (id) => join('work', id),
      cgroupOf: () => null,
    }));
  }

  async prepare(): Promise<void> {}

  async stop(): Promise<void> {}

  async names(): Promise<string[]> {
    const { agent, clock } = this.#parts;
    const before = [...this.#everywhere.keys()];
    const found = await agent().launches();
    const atMs = clock.monotonicMs();
    this.#listed.clear();
    for (const name of before) if (!found.has(name)) this.#everywhere.delete(name);
    for (const [name, head] of found) {
      const seen = seenIn(head);
      this.#listed.set(name, { seen, atMs });
      this.#note(name, seen.record);
    }
    return [...found.keys()];
  }

  async open(name: string): Promise<HostLaunch | null> {
    if (!isLaunchName(name)) return null;
    const { agent, clock } = this.#parts;
    const listed = this.#listed.get(name);
    this.#listed.delete(name);
    const isCurrent = listed !== undefined && clock.monotonicMs() - listed.atMs < listedForMs;
    const seen = isCurrent ? listed.seen : await lookAt(agent(), name);
    if (seen === null) return null;
    this.#note(name, seen.record);
    return new LaunchOnHost(this.#parts, name, seen.record, seen);
  }

  /** All hosts of a launch that runs on several, as far as it was listed or opened. Null: it runs on one, or is not known. */
  hostsOf(name: string): readonly string[] | null {
    return this.#everywhere.get(name) ?? null;
  }

  #note(name: string, record: FileRecord | null): void {
    const hosts: unknown = record?.hosts;
    if (isListOfHosts(hosts) && hosts.includes(this.#parts.host)) this.#everywhere.set(name, hosts);
  }
}

const seenIn = ({ alive, bytes }: Head): Seen => ({ alive, ...parseLaunchFile(bytes) });

async function lookAt(agent: Agent, name: string): Promise<Seen | null> {
  const head = await agent.head(name);
  return head && seenIn(head);
}

/** A job can write the file of its own launch. */
const isListOfHosts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) &&
  value.length <= hostsFileLimits.hosts &&
  value.every((host) => typeof host === 'string' && isHostName(host));

class LaunchOnHost implements HostLaunch {
  readonly obeysOrders = true;
  readonly name: string;
  readonly record: FileRecord | null;
  readonly output: HostOutput;
  readonly #parts: HostLaunchesParts;
  /** Read with the record, and not looked at yet. */
  #first: Seen | null;

  constructor(parts: HostLaunchesParts, name: string, record: FileRecord | null, first: Seen | null = null) {
    this.#parts = parts;
    this.name = name;
    this.record = record;
    this.#first = first;
    const path = (part: number) => (part === 0 ? `launches/${name}` : `tails/${this.#id}.${part}`);
    this.output = new HostOutput(parts.agent, path, 2 * parts.logBytes);
  }

  async look(): ReturnType<HostLaunch['look']> {
    const seen = this.#first ?? (await lookAt(this.#parts.agent(), this.name));
    this.#first = null;
    // The name may have been given to another launch of the same attempt.
    if (seen === null || seen.record?.id !== this.record?.id) return null;
    return { alive: seen.alive, journal: this.#byOurClock(seen.journal) };
  }

  async journal(): Promise<Journal | null> {
    return (await this.look())?.journal ?? null;
  }

  async note(line: string): Promise<void> {
    const agent = this.#parts.agent();
    const byItsClock = line.replace(/^ended (\d+)/, (_, at) => `ended ${Number(at) + agent.aheadMs}`);
    await agent.note(this.name, this.#id, byItsClock);
  }

  takeBack(): Promise<boolean> {
    return takeBack(this.#parts.agent(), this.name, this.#id);
  }

  /** The lock goes with the process that holds it. */
  async isAbandoned(): Promise<boolean> {
    return false;
  }

  async endLeftovers(): Promise<boolean> {
    const { agent, clock } = this.#parts;
    const deadline = clock.monotonicMs() + goneWithinMs;
    for (;;) {
      const head = await agent().head(this.name);
      if (head === null || head.alive === 'nothing') return true;
      if (clock.monotonicMs() > deadline) return false;
      await agent().killNow(this.name);
      await sleep(clock, gonePollMs);
    }
  }

  async discard(): Promise<void> {
    if ((await this.look()) === null) return;
    const { agent, clock } = this.#parts;
    if (this.record !== null) await agent().clear(this.#id);
    await takeName(agent(), clock, this.name, this.#id);
  }

  get #id(): string {
    return String(this.record?.id ?? '-');
  }

  #byOurClock(journal: Journal): Journal {
    const { aheadMs } = this.#parts.agent();
    const ours = (ms: number | null): number | null => (ms === null ? null : ms - aheadMs);
    const { startedAt, exitedAt, endedAt, kill } = journal;
    return {
      ...journal,
      startedAt: ours(startedAt),
      exitedAt: ours(exitedAt),
      endedAt: ours(endedAt),
      kill: kill && { ...kill, by: kill.by - aheadMs },
    };
  }
}
