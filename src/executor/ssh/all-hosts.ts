/**
 * All hosts together: a launch runs on each that its job allows, under the same name, and ends as one when it has ended on
 * all. The launch's file on each host names all hosts, so that the next leader knows them. A launch that is requested again
 * starts only where it has not started yet.
 */

import { CarillonError } from '../../errors.ts';
import { allows } from '../../scheduler/job/node-choice.ts';
import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import { Observations } from '../../scheduler/observations.ts';
import type {
  Changes,
  Clock,
  EngineDescription,
  HostLauncher,
  LaunchReport,
  LogChunk,
  LogQuery,
  Observation,
  Ticket,
} from '../../scheduler/ports.ts';
import { logsGone } from '../logs/run-logs.ts';
import type { SshHost } from './host.ts';
import { joined, type PartEnd } from './joined-end.ts';

/** Its name among the hosts. No host of the file may have it. */
export const allHosts = 'all';
/** After a host has not responded for this long, its part of a launch is lost: as for a single host (runtime/hosts.ts). */
const lostAfterMs = 60_000;

/** As of a launch on one host (supervised/journal.ts). */
const killedBefore = {
  exitCode: 137,
  reason: 'Killed before it was started',
  cause: { code: 'never-started' },
} as const;

interface Part {
  startedAt: number | null;
  ended: PartEnd | null;
}

/** One launch on several hosts. */
interface Spread {
  readonly hosts: Set<string>;
  readonly parts: Map<string, Part>;
  isStarted: boolean;
  isEnded: boolean;
}

export interface AllHostsParts {
  readonly clock: Clock;
  /** Hosts that take launches. */
  readonly listed: () => readonly SshHost[];
  /** Also one that does not any more. */
  readonly host: (name: string) => SshHost | undefined;
}

export class AllHosts implements HostLauncher {
  readonly #parts: AllHostsParts;
  readonly #spreads = new Map<string, Spread>();
  readonly #observations: Observations;

  constructor(parts: AllHostsParts) {
    this.#parts = parts;
    this.#observations = new Observations(parts.clock);
  }

  /** Notes an observation of a host about a launch that runs on several hosts. */
  observed(host: string, observation: Observation): void {
    const { launchName } = observation;
    // A launch that is not known yet comes with the next inventory.
    const spread = this.#spreads.get(launchName);
    if (!spread?.hosts.has(host)) return;
    const part = partOf(spread, host);
    if (observation.kind === 'started') part.startedAt ??= observation.at;
    if (observation.kind === 'ended') {
      part.startedAt ??= observation.startedAt ?? null;
      part.ended ??= observation;
    }
    this.#tell(launchName, spread);
  }

  async changes(_: number, after: Ticket | null): Promise<Changes> {
    const changes = await this.#observations.since(after);
    for (const [launchName, spread] of this.#spreads) this.#giveUp(launchName, spread);
    return changes;
  }

  async launchFor(spec: LaunchSpec, ticket: Ticket, mayStart?: () => boolean): Promise<void> {
    const { launchName, everywhere } = spec;
    const on = everywhere?.on ?? allHosts;
    const listed = this.#parts.listed().filter(({ labels }) => allows(on, labels));
    const allowed = listed.map(({ name }) => name);
    if (!this.#spreads.has(launchName)) this.#learn(launchName, allowed);
    const known = this.#spreads.get(launchName) ?? null;
    const names = [...(known?.hosts ?? allowed)];
    if (names.length === 0) throw new CarillonError('NO_PLACE', `no host has ${on}`);
    // Asked before anything is sent, so that a host which is away for a moment does not leave half a launch on the others.
    const away = await this.#away(names);
    const waited = [...away].filter(([name]) => !this.#isLost(name));
    if (waited.length > 0) {
      const why = waited.map(([name, reason]) => `${name}: ${reason}`).join('; ');
      throw new CarillonError(known === null ? 'NO_PLACE' : 'ENGINE_UNAVAILABLE', why);
    }
    const spread = known ?? this.#add(launchName, names);
    for (const [name, why] of away) this.#lost(spread, name, why);
    // Its labels have changed, or another host claims that the launch is there too.
    const outside = names.filter((name) => !allowed.includes(name));
    for (const name of outside)
      if (!spread.parts.has(name)) this.#lost(spread, name, 'the job does not allow the host');
    const there = names.filter((name) => !away.has(name) && !outside.includes(name));
    const hosts = there.map((name) => this.#parts.host(name));
    const answers = await Promise.allSettled(
      hosts.map((host) => host?.launchFor({ ...spec, everywhere: { on, names } }, ticket, mayStart)),
    );
    const refusals: CarillonError[] = [];
    for (const [at, answer] of answers.entries()) {
      if (answer.status === 'fulfilled') continue;
      const error: unknown = answer.reason;
      if (!isRefusal(error)) throw unfinished(there[at], error);
      refusals.push(error);
    }
    if (refusals.length === names.length && refusals.length > 0) {
      this.#spreads.delete(launchName);
      throw refusals[0] as CarillonError;
    }
    for (const [at, answer] of answers.entries())
      if (answer.status === 'rejected') this.#refused(spread, there[at] ?? '', answer.reason);
    this.#tell(launchName, spread);
  }

  async kill(launchName: string, graceMs: number): Promise<void> {
    await this.#onEach(launchName, (host) => host.kill(launchName, graceMs));
    const spread = this.#spreads.get(launchName);
    if (spread === undefined) return;
    const at = this.#parts.clock.now();
    for (const host of spread.hosts) {
      const part = partOf(spread, host);
      if (part.startedAt === null) part.ended ??= { at, ...killedBefore };
    }
    this.#tell(launchName, spread);
  }

  async takeBack(launchName: string): Promise<void> {
    await this.#onEach(launchName, (host) => host.takeBack(launchName));
  }

  async remove(launchName: string): Promise<void> {
    await this.#onEach(launchName, (host) => host.remove(launchName));
    this.#spreads.delete(launchName);
  }

  /** What some host does not have yet is left out, so that it is launched again. */
  async inventory(): Promise<LaunchReport[]> {
    // What is launched meanwhile is in no list yet.
    const before = new Map([...this.#spreads].map(([launchName, spread]) => [launchName, runningOn(spread)]));
    const answered = new Map<string, ReadonlyMap<string, LaunchReport>>();
    await Promise.all(
      this.#parts.listed().map(async (host) => {
        const { name } = host;
        const reports = await host.inventory().catch((error: unknown) => {
          // It may have launches that nobody here has heard of.
          if (host.silentMs < lostAfterMs) throw error;
          return null;
        });
        if (reports !== null)
          answered.set(name, new Map(reports.map((report) => [report.launchName, report])));
      }),
    );
    for (const [host, reports] of answered)
      for (const launchName of reports.keys()) if (!before.has(launchName)) this.#learn(launchName, [host]);
    for (const [host, reports] of answered)
      for (const report of reports.values()) this.#reported(host, report);
    const all: LaunchReport[] = [];
    for (const [launchName, spread] of this.#spreads) {
      for (const host of before.get(launchName) ?? [])
        if (answered.get(host)?.has(launchName) === false) this.#lost(spread, host, 'its file is gone');
      this.#giveUp(launchName, spread);
      const lacking = [...spread.hosts].filter((host) => {
        const part = spread.parts.get(host);
        return part === undefined || (part.startedAt === null && part.ended === null);
      });
      const isNowhere =
        before.has(launchName) &&
        [...spread.hosts].every((host) => answered.has(host) && !answered.get(host)?.has(launchName));
      if (isNowhere) this.#spreads.delete(launchName);
      else if (lacking.length === 0) all.push(reportOf(launchName, spread));
    }
    return all;
  }

  async *logs(launchName: string, query: LogQuery): AsyncGenerator<LogChunk, void, undefined> {
    const names = this.#spreads.get(launchName)?.hosts ?? this.#parts.listed().map(({ name }) => name);
    let found = false;
    let inLine = false;
    for (const name of names) {
      const host = this.#parts.host(name);
      if (host === undefined || query.signal?.aborted) continue;
      let isFirst = true;
      try {
        for await (const { stream, bytes, printed } of host.logs(launchName, query)) {
          if (isFirst) yield title(name, inLine);
          isFirst = false;
          if (bytes.length > 0) inLine = bytes.at(-1) !== newline;
          yield { stream, bytes, ...(printed && { printed }) };
        }
      } catch (error) {
        if (!(error instanceof CarillonError)) throw error;
        if (error.code === 'LOGS_GONE') continue;
        // What the others have is worth reading.
        if (isFirst) yield title(name, inLine);
        else if (inLine) yield { stream: 'stderr', bytes: Buffer.from('\n') };
        yield { stream: 'stderr', bytes: Buffer.from(`carillon: ${error.message}\n`) };
        inLine = false;
      }
      found = true;
    }
    if (!found && query.signal?.aborted !== true) throw logsGone(launchName);
  }

  async describe(): Promise<EngineDescription> {
    return { reachable: true, version: null, detail: null };
  }

  /** Adds the hosts that these hosts name for the launch. A host that leaves out others does not remove them. */
  #learn(launchName: string, hosts: readonly string[]): void {
    for (const name of hosts) {
      const names = this.#parts.host(name)?.hostsOf(launchName) ?? null;
      if (names === null) continue;
      const spread = this.#spreads.get(launchName) ?? this.#add(launchName, []);
      if (!spread.isEnded) for (const each of names) spread.hosts.add(each);
    }
  }

  #add(launchName: string, hosts: readonly string[]): Spread {
    const spread: Spread = { hosts: new Set(hosts), parts: new Map(), isStarted: false, isEnded: false };
    this.#spreads.set(launchName, spread);
    return spread;
  }

  #reported(host: string, report: LaunchReport): void {
    const { launchName, state, startedAt, endedAt, exitCode = null } = report;
    const spread = this.#spreads.get(launchName);
    if (!spread?.hosts.has(host) || state === 'created') return;
    const part = partOf(spread, host);
    part.startedAt ??= startedAt ?? null;
    if (state === 'ended' && endedAt !== undefined) part.ended ??= { ...report, at: endedAt, exitCode };
    this.#tell(launchName, spread);
  }

  #refused(spread: Spread, host: string, error: CarillonError): void {
    const at = this.#parts.clock.now();
    partOf(spread, host).ended ??= {
      at,
      exitCode: null,
      reason: error.message,
      cause: { code: 'never-started' },
    };
  }

  /** Hosts that have been silent for too long have lost what ran there. */
  #giveUp(launchName: string, spread: Spread): void {
    if (!spread.isStarted) return;
    for (const name of spread.hosts)
      if (this.#isLost(name)) this.#lost(spread, name, 'the host does not respond');
    this.#tell(launchName, spread);
  }

  #isLost(name: string): boolean {
    return (this.#parts.host(name)?.silentMs ?? lostAfterMs) >= lostAfterMs;
  }

  #lost(spread: Spread, name: string, why: string): void {
    const end = { at: this.#parts.clock.now(), exitCode: null, infrastructure: true };
    partOf(spread, name).ended ??= { ...end, reason: `Lost: ${why}` };
  }

  /** Hosts that do not respond, with the reason. */
  async #away(names: readonly string[]): Promise<Map<string, string>> {
    const answers = await Promise.all(
      names.map(async (name) => {
        const host = this.#parts.host(name);
        if (host === undefined) return [name, 'it is not in the file of hosts'] as const;
        const { reachable, detail } = await host.describe();
        return reachable ? null : ([name, detail ?? 'it does not respond'] as const);
      }),
    );
    return new Map(answers.filter((answer) => answer !== null));
  }

  #tell(launchName: string, spread: Spread): void {
    const parts = [...spread.hosts].map((host) => spread.parts.get(host));
    const isBegun = parts.every(
      (part) => part !== undefined && (part.startedAt !== null || part.ended !== null),
    );
    if (isBegun && !spread.isStarted) {
      spread.isStarted = true;
      const at = startOf(spread);
      if (at !== null) this.#observations.add({ kind: 'started', launchName, at });
    }
    if (spread.isEnded || !parts.every((part) => part?.ended)) return;
    spread.isEnded = true;
    const startedAt = startOf(spread);
    this.#observations.add({
      kind: 'ended',
      launchName,
      ...(startedAt !== null && { startedAt }),
      ...endOf(spread),
    });
  }

  /** Fails if one of them fails. */
  async #onEach(launchName: string, task: (host: SshHost) => Promise<void>): Promise<void> {
    const spread = this.#spreads.get(launchName);
    const hosts = spread && [...spread.hosts].flatMap((name) => this.#parts.host(name) ?? []);
    const answers = await Promise.allSettled((hosts ?? this.#parts.listed()).map(task));
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}

function partOf(spread: Spread, host: string): Part {
  const part = spread.parts.get(host) ?? { startedAt: null, ended: null };
  spread.parts.set(host, part);
  return part;
}

function startOf({ parts }: Spread): number | null {
  const starts = [...parts.values()].flatMap(({ startedAt }) => startedAt ?? []);
  return starts.length === 0 ? null : Math.min(...starts);
}

const endOf = ({ hosts, parts }: Spread) =>
  joined(
    [...hosts].flatMap((host) => {
      const end = parts.get(host)?.ended;
      return end ? [{ host, end }] : [];
    }),
  );

function reportOf(launchName: string, spread: Spread): LaunchReport {
  const startedAt = startOf(spread);
  const known = { launchName, ...(startedAt !== null && { startedAt }) };
  if (![...spread.hosts].every((host) => spread.parts.get(host)?.ended))
    return { ...known, state: 'running' };
  const { at: endedAt, ...end } = endOf(spread);
  return { ...known, state: 'ended', endedAt, ...end };
}

const isRefusal = (error: unknown): error is CarillonError =>
  error instanceof CarillonError &&
  (error.code === 'LAUNCH_REFUSED' || error.code === 'UNSUPPORTED_BY_ENGINE');

/** It may have started on some hosts: the next try finds out. */
function unfinished(host: string | undefined, error: unknown): CarillonError {
  const why = error instanceof Error ? error.message : String(error);
  return new CarillonError('ENGINE_UNAVAILABLE', `${host}: ${why}`);
}

/** Hosts where it has started and not ended. */
const runningOn = ({ hosts, parts }: Spread): string[] =>
  [...hosts].filter((host) => {
    const { startedAt = null, ended = null } = parts.get(host) ?? {};
    return startedAt !== null && ended === null;
  });

const newline = 0x0a;
/** `inLine`: what the host before it printed last has no line break. */
const title = (host: string, inLine: boolean): LogChunk => ({
  stream: 'stdout',
  bytes: Buffer.from(`${inLine ? '\n' : ''}==> ${host} <==\n`),
});
