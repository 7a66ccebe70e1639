/**
 * One host: its connection, which is made again whenever it is needed, and the launches on it. The leader asks it again and
 * again what has happened, as it asks other nodes. Names on the host's disk are the locks: whatever two schedulers send,
 * and however late it arrives, the files there decide (supervised/launcher.ts).
 */

import { CarillonError } from '../../errors.ts';
import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import { Observations } from '../../scheduler/observations.ts';
import type {
  Changes,
  Clock,
  EngineDescription,
  HostLauncher,
  Launcher,
  Log,
  LogChunk,
  LogQuery,
  Observation,
  Ticket,
} from '../../scheduler/ports.ts';
import { within } from '../../scheduler/waiting.ts';
import type { RunLogs } from '../logs/run-logs.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { supervisorFailed } from '../supervised/faults.ts';
import type { EndedEarly } from '../supervised/launch.ts';
import { createSupervisedLauncher } from '../supervised/launcher.ts';
import { refused } from '../supervised/refusal.ts';
import { supervisorEnd } from '../supervisor/program.ts';
import type { Agent } from './agent.ts';
import { type Connection, type ConnectionParts, connect } from './connection.ts';
import type { Host } from './hosts-file.ts';
import { logsOf } from './kept-logs.ts';
import { HostLaunches } from './launches.ts';
import { hostStart } from './request.ts';
import { HostWatch } from './watch.ts';

/** A host that takes longer is told as silent. */
const describeWithinMs = 1_000;
/** Each answer has its own limit; but of thousands of launches, each can be slow. */
const listWithinMs = 30_000;
/** Pause after a connection that failed, growing to the longest. */
const pausesMs = { first: 1_000, longest: 30_000 } as const;

export interface HostParts extends Pick<ConnectionParts, 'installation' | 'clock' | 'environment' | 'bare'> {
  readonly clock: Clock;
  readonly log: Log;
  /** Where logs go when a launch is removed. */
  readonly logs: RunLogs;
  readonly secrets: Secrets;
  readonly logBytes: number;
  /** Called with what is observed here of launches that run on several hosts: only all of it together counts. */
  readonly onPart: (host: string, observation: Observation) => void;
  /** Waits for its turn: connections are made a few at a time. */
  readonly inTurn: <T>(task: () => Promise<T>) => Promise<T>;
}

export class SshHost implements HostLauncher {
  #host: Host;
  readonly #parts: HostParts;
  readonly #launcher: Launcher;
  readonly #launches: HostLaunches;
  readonly #watch: HostWatch;
  readonly #logs: RunLogs;
  readonly #observations: Observations;
  /** When it last answered, by the monotonic clock; at first, when it was first heard of. */
  #heardAtMs: number;
  #connection: Connection | null = null;
  #connecting: Promise<Connection> | null = null;
  /** Of the connection that is being made. */
  #abandon = new AbortController();
  #stopped = false;
  #failure: { readonly error: CarillonError; readonly untilMs: number; readonly pauseMs: number } | null =
    null;

  constructor(host: Host, parts: HostParts) {
    this.#host = host;
    this.#parts = parts;
    this.#heardAtMs = parts.clock.monotonicMs();
    this.#observations = new Observations(parts.clock);
    this.#logs = logsOf(host.name, parts.logs);
    const { clock, log, installation, logBytes } = parts;
    const agent = () => this.#agent();
    const boot = () => this.#connected().hello.boot;
    this.#launches = new HostLaunches({ agent, clock, logBytes, host: host.name });
    let watch: HostWatch | null = null;
    this.#launcher = createSupervisedLauncher({
      engine: 'ssh',
      dir: host.name,
      installation,
      clock,
      log,
      logs: this.#logs,
      launches: this.#launches,
      watch: (emit) => (watch = new HostWatch({ agent, boot, clock, log, emit })),
      boot,
      start: (spec) => hostStart(spec, this.#connected().hello, parts.secrets),
      explain: (spec, ended) => explained(spec, ended, this.#host),
      describe: () => this.describe(),
    });
    this.#watch = watch!;
    this.#launcher.onObservation((observation) => {
      if (this.hostsOf(observation.launchName) === null) this.#observations.add(observation);
      else parts.onPart(host.name, observation);
    });
  }

  get name(): string {
    return this.#host.name;
  }

  get labels(): Host['labels'] {
    return { host: this.#host.name, ...this.#host.labels };
  }

  /** How long it has not answered. */
  get silentMs(): number {
    return this.#parts.clock.monotonicMs() - this.#heardAtMs;
  }

  /** All hosts of a launch that runs on several, as far as it was listed or opened. Null: it runs on one, or is not known. */
  hostsOf(launchName: string): readonly string[] | null {
    return this.#launches.hostsOf(launchName);
  }

  /** As the file of hosts has it now. A change of its address, or of how it is reached, needs another connection. */
  update(host: Host): void {
    const way = ({ labels: _, concurrency: __, ...rest }: Host) => JSON.stringify(rest);
    const changed = way(host) !== way(this.#host);
    this.#host = host;
    if (changed) this.close();
  }

  close(): void {
    this.#failure = null;
    this.#connection?.close();
    this.#abandon.abort();
    this.#abandon = new AbortController();
  }

  async stop(): Promise<void> {
    this.#observations.stop();
    if (this.#connection !== null && !this.#connection.agent.isGone) await this.#launcher.stop();
    this.#stopped = true;
    this.close();
    await this.#connecting?.catch(() => undefined);
    this.#watch.stop();
  }

  async changes(_: number, after: Ticket | null): Promise<Changes> {
    const { agent } = await this.#connect();
    await agent.ping();
    this.#heardAtMs = this.#parts.clock.monotonicMs();
    const changes = await this.#observations.since(after);
    if (!agent.isGone) return changes;
    throw await this.#connect().then(
      () => reconnected(),
      (error) => error,
    );
  }

  async launchFor(spec: LaunchSpec, _: Ticket, mayStart?: () => boolean): Promise<void> {
    await this.#connect().catch((error: CarillonError) => {
      throw new CarillonError('NO_PLACE', error.message);
    });
    await this.#launcher.launch(spec, mayStart);
  }

  async inventory(): ReturnType<Launcher['inventory']> {
    await this.#connect();
    const reports = await within(this.#parts.clock, listWithinMs, this.#launcher.inventory());
    if (reports === null)
      throw new CarillonError('ENGINE_UNAVAILABLE', 'the host takes too long to list its launches');
    return reports;
  }

  async kill(launchName: string, graceMs: number): Promise<void> {
    await this.#connect();
    await this.#launcher.kill(launchName, graceMs);
  }

  async takeBack(launchName: string): Promise<void> {
    await this.#connect();
    await this.#launcher.takeBack(launchName);
  }

  async remove(launchName: string): Promise<void> {
    await this.#connect();
    await this.#launcher.remove(launchName);
  }

  async *logs(launchName: string, query: LogQuery): AsyncGenerator<LogChunk, void, undefined> {
    const logs = this.#logs;
    // Fetched when the launch was removed: the host is not needed.
    if (await logs.has(launchName)) {
      yield* logs.read(launchName, query, () => true);
      return;
    }
    await this.#connect();
    yield* this.#launcher.logs(launchName, query);
  }

  async describe(): Promise<EngineDescription> {
    try {
      const connection = await within(this.#parts.clock, describeWithinMs, this.#connect());
      if (connection === null) return { reachable: false, version: null, detail: 'it does not respond' };
      const { hello } = connection;
      const { version, cpus, memoryBytes } = hello;
      return { reachable: true, version: `Linux ${version}`, detail: this.#host.address, cpus, memoryBytes };
    } catch (error) {
      return {
        reachable: false,
        version: null,
        detail: error instanceof Error ? error.message : String(error),
      };
    }
  }

  /** Fails with the reason while the host cannot be reached. */
  #connect(): Promise<Connection> {
    if (this.#connection !== null && !this.#connection.agent.isGone) return Promise.resolve(this.#connection);
    this.#connecting ??= this.#connectNow().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #connectNow(): Promise<Connection> {
    const { clock, log } = this.#parts;
    const failed = this.#failure;
    const { signal } = this.#abandon;
    if (this.#stopped) throw new CarillonError('ENGINE_UNAVAILABLE', 'the scheduler is stopping');
    if (failed !== null && clock.monotonicMs() < failed.untilMs) throw failed.error;
    try {
      const connection = await this.#parts.inTurn(() =>
        connect({ ...this.#parts, host: this.#host, signal }),
      );
      this.#connection = connection;
      this.#failure = null;
      this.#observations.restart();
      connection.agent.onChanged((name) => {
        void (name === null ? this.#watch.checkAll() : this.#watch.check(name));
      });
      await connection.agent.ping();
      this.#heardAtMs = clock.monotonicMs();
      await this.#watch.checkAll();
      log.info({ host: this.#host.name }, 'ssh.connected');
      return connection;
    } catch (error) {
      // Its address has changed, or nobody needs it any more.
      if (signal.aborted) throw error;
      const known =
        error instanceof CarillonError ? error : new CarillonError('ENGINE_UNAVAILABLE', String(error));
      const pauseMs = failed === null ? pausesMs.first : Math.min(2 * failed.pauseMs, pausesMs.longest);
      this.#failure = { error: known, untilMs: clock.monotonicMs() + pauseMs, pauseMs };
      if (failed?.error.message !== known.message)
        log.warn({ host: this.#host.name, error: known.message }, 'ssh.unreachable');
      throw known;
    }
  }

  #connected(): Connection {
    if (this.#connection === null)
      throw new CarillonError('ENGINE_UNAVAILABLE', `the host ${this.#host.name} is not connected`);
    return this.#connection;
  }

  #agent(): Agent {
    return this.#connected().agent;
  }
}

const reconnected = (): CarillonError =>
  new CarillonError('ENGINE_UNAVAILABLE', 'the connection was made again');

function explained(spec: LaunchSpec, { code }: EndedEarly, host: Host): CarillonError {
  const { workdir } = spec;
  if (code === supervisorEnd.noFolder && workdir !== null)
    return refused(
      'run.workdir',
      workdir,
      `The working directory ${workdir} does not exist on ${host.name}, or its user may not enter it`,
      'a directory on the host',
    );
  return supervisorFailed(spec, code);
}
