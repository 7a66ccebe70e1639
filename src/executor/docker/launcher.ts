/**
 * The docker engine: jobs as containers of one Docker Engine. launch.ts starts, watch.ts observes, and
 * ahead.ts prepares; this file combines them with killing and logs.
 *
 * A container's name and labels contain everything about it until it is removed; this object keeps nothing
 * that another scheduler could not find out. Anyone who can query the engine can read an attempt's
 * environment, including secrets.
 */

import type { Expiries } from '../../scheduler/expiry.ts';
import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type {
  Clock,
  Launcher,
  LaunchesAhead,
  LaunchReport,
  Log,
  LogChunk,
  LogQuery,
  Observation,
  Preparation,
} from '../../scheduler/ports.ts';
import type { TlsFiles } from '../container/address.ts';
import { type FindCredentials, noCredentials } from '../container/credentials.ts';
import { expiriesOf } from '../container/expiries.ts';
import { type FrameParser, readFrames } from '../container/frames.ts';
import { labelOf } from '../container/labels.ts';
import { isCut } from '../container/log-cut.ts';
import { copyLogs, type EngineLogQuery, engineLogs } from '../container/logs.ts';
import { LaunchMasks, maskedOutput } from '../container/masks.ts';
import { wantedOutput } from '../container/output.ts';
import { type Flight, Flights } from '../flights.ts';
import { isLaunchName, type RunLogs } from '../logs/run-logs.ts';
import type { Preparations } from '../preparations.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { containersAhead, type Ready } from './ahead.ts';
import { removeUnlessRunning } from './create.ts';
import { type ContainerEntry, hasEnded, nameOf } from './engine.ts';
import { GatedEngine } from './gate.ts';
import { launchContainer } from './launch.ts';
import { ImagePulls } from './pull.ts';
import type { ContainerInspection } from './state.ts';
import { DockerWatch } from './watch.ts';

/** Concurrent inspections for the inventory. */
const inventoryWidth = 8;
/** How long `stop` lets calls finish; a hanging engine must not delay the scheduler. */
const stopPatienceMs = 5_000;

export interface DockerLauncherParts {
  /** `unix:///var/run/docker.sock`, a path, `tcp://host:port` or `https://host:port`. */
  readonly host: string;
  readonly tls?: TlsFiles | null;
  readonly installation: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Where logs go when a launch is removed. */
  readonly logs: RunLogs;
  readonly secrets: Secrets;
  /** For images of jobs without a login of their own. Absent: none. */
  readonly credentials?: FindCredentials;
}

export function createDockerLauncher(parts: DockerLauncherParts): Launcher {
  return new DockerLauncher(parts);
}

class DockerLauncher implements Launcher {
  readonly engine = 'docker';
  readonly ahead: LaunchesAhead;
  readonly expiries: Expiries;
  readonly #parts: DockerLauncherParts;
  readonly #docker: GatedEngine;
  readonly #prepared: Preparations<Ready>;
  readonly #watch: DockerWatch;
  readonly #listeners: ((observation: Observation) => void)[] = [];
  readonly #flights = new Flights();
  /** An inventory asks for removals again; a second copy would find the logs gone. */
  readonly #removals = new Flights();
  readonly #pulls: ImagePulls;
  readonly #masks: LaunchMasks;
  /** Pending KILLs after a TERM, by launch name, each with its own time. */
  readonly #finalKills = new Map<string, () => void>();
  #stopped = false;

  constructor(parts: DockerLauncherParts) {
    const { host, tls = null, clock, log, installation, secrets, credentials = noCredentials } = parts;
    this.#parts = parts;
    this.#docker = new GatedEngine({ host, tls, clock });
    this.expiries = expiriesOf(tls);
    this.#pulls = new ImagePulls({ engine: this.#docker, credentials, clock, log });
    this.#masks = new LaunchMasks(secrets, log);
    const context = { engine: this.#docker, clock, log, pulls: this.#pulls, secrets, masks: this.#masks };
    this.#prepared = containersAhead(context);
    this.ahead = {
      prepare: (spec, how) => this.#prepare(spec, how),
      isHeld: (launchName) => this.#prepared.isHeld(launchName),
      discard: (launchName) => this.#prepared.discard(launchName),
    };
    const emit = (observation: Observation) => this.#emit(observation);
    const isLaunching = (launchName: string) => this.#flights.has(launchName);
    this.#watch = new DockerWatch({ engine: this.#docker, installation, clock, log, emit, isLaunching });
  }

  /** Also resolves if the engine is down, which is then retried until it responds. */
  start(): Promise<void> {
    return this.#watch.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#finalKills.values()) cancel();
    this.#finalKills.clear();
    const cancel = this.#parts.clock.after(stopPatienceMs, () => this.#docker.close());
    await Promise.allSettled([this.#prepared.close(), this.#watch.stop(), this.#flights.settled()]);
    cancel();
    this.#docker.close();
  }

  onObservation(listener: (observation: Observation) => void): void {
    this.#listeners.push(listener);
  }

  launch(spec: LaunchSpec, mayStart: () => boolean = () => true): Promise<void> {
    return this.#flights
      .run(spec.launchName, (flight) => this.#launch(spec, flight, mayStart))
      .finally(() => this.#watch.launched(spec.launchName));
  }

  async kill(launchName: string, graceMs: number): Promise<void> {
    this.#flights.kill(launchName, graceMs);
    const container = await this.#find(launchName);
    if (container === null || !container.State.Running) return;
    this.#watch.expectEnd(launchName);
    if (graceMs <= 0) return this.#docker.kill(container.Id, 'KILL');
    await this.#docker.kill(container.Id, 'TERM');
    this.#killLater(container, graceMs);
  }

  async takeBack(launchName: string): Promise<void> {
    const container = await this.#find(launchName);
    if (container === null || this.#watch.report(container).state !== 'created') return;
    // If it was started in between, it stays.
    await removeUnlessRunning(this.#docker, container.Id);
  }

  remove(launchName: string): Promise<void> {
    return this.#removals.run(launchName, () => this.#remove(launchName));
  }

  async inventory(isWanted: (launchName: string) => boolean = () => true): Promise<LaunchReport[]> {
    const entries = await this.#docker.list(this.#parts.installation);
    const reports: LaunchReport[] = [];
    const unknown: ContainerEntry[] = [];
    for (const entry of entries) {
      // Ended ones are kept for some time and are many, so their earlier reports are reused.
      const seen = this.#watch.ended(entry.Id);
      const launchName = nameOf(entry);
      // Ours, but not a launch yet.
      if (this.#prepared.has(launchName)) continue;
      if (seen !== undefined) reports.push(seen);
      else if (hasEnded(entry) && !isWanted(launchName)) reports.push({ launchName, state: 'ended' });
      else unknown.push(entry);
    }
    for (let from = 0; from < unknown.length; from += inventoryWidth) {
      const ids = unknown.slice(from, from + inventoryWidth).map(({ Id }) => Id);
      const found = await Promise.all(ids.map((id) => this.#docker.inspect(id)));
      const there = found.filter((container) => container !== null);
      await Promise.all(there.map((container) => this.#watch.recall(container)));
      reports.push(...there.map((container) => this.#watch.report(container)));
    }
    return reports;
  }

  logs(launchName: string, query: LogQuery): AsyncGenerator<LogChunk, void, undefined> {
    return engineLogs(launchName, query, {
      logs: this.#parts.logs,
      find: (name) => this.#find(name),
      read: (container) => this.#engineLogs(container, query),
    });
  }

  async describe(): ReturnType<Launcher['describe']> {
    try {
      const { Version, ApiVersion } = await this.#docker.version();
      return { reachable: true, version: `${Version}, API ${ApiVersion}`, detail: this.#docker.host };
    } catch (error) {
      return { reachable: false, version: null, detail: (error as Error).message };
    }
  }

  #emit(observation: Observation): void {
    for (const listener of this.#listeners) listener(observation);
  }

  async #prepare(spec: LaunchSpec, how: Preparation): Promise<void> {
    if (this.#flights.has(spec.launchName)) return;
    await this.#prepared.prepare(spec, { ...how, mayStart: () => !this.#stopped && how.mayStart() });
  }

  async #remove(launchName: string): Promise<void> {
    const container = await this.#find(launchName);
    if (container === null) return;
    const { log, logs } = this.#parts;
    if (container.State.Running) {
      log.warn({ launch: launchName }, 'launch.remove-refused-while-running');
      return;
    }
    await copyLogs(launchName, this.#engineLogs(container, { timestamps: true }), { logs, log });
    this.#watch.forget(launchName);
    this.#masks.forget(launchName);
    await this.#docker.remove(container.Id);
  }

  async #launch(spec: LaunchSpec, flight: Flight, mayStart: () => boolean): Promise<void> {
    const ready = await this.#prepared.claim(spec.launchName);
    const { container, adopted, forgotten } = await launchContainer(spec, {
      engine: this.#docker,
      log: this.#parts.log,
      clock: this.#parts.clock,
      pulls: this.#pulls,
      secrets: this.#parts.secrets,
      masks: this.#masks,
      onProgress: (detail) => {
        const { launchName } = spec;
        this.#emit({ kind: 'preparing', launchName, at: this.#parts.clock.now(), detail });
      },
      ready,
      wanted: () => !this.#stopped && !flight.killed,
      mayStart,
    });
    if (forgotten) {
      const at = this.#parts.clock.now();
      const reason = 'the engine died while it may have been starting it';
      this.#emit({
        kind: 'ended',
        launchName: spec.launchName,
        at,
        exitCode: null,
        reason,
        cause: { code: 'engine-restarted' },
        infrastructure: true,
      });
      return;
    }
    await this.#watch.recall(container);
    this.#watch.take(container, adopted ? 'again' : 'once');
    if (flight.killed) await this.kill(spec.launchName, flight.killed.graceMs);
  }

  /** Our container of this name, or null. */
  async #find(launchName: string): Promise<ContainerInspection | null> {
    if (!isLaunchName(launchName)) return null;
    const container = await this.#docker.inspect(launchName);
    return container?.Config.Labels?.[labelOf.installation] === this.#parts.installation ? container : null;
  }

  /**
   * The first grace counts; repeating the request does not extend it. Lost with this process, and then
   * requested again.
   */
  #killLater({ Id, Name }: ContainerInspection, graceMs: number): void {
    const { clock, log } = this.#parts;
    if (this.#stopped || this.#finalKills.has(Id)) return;
    const cancel = clock.after(graceMs, () => {
      this.#finalKills.delete(Id);
      this.#docker.kill(Id, 'KILL').catch((error: Error) => {
        log.warn({ launch: Name.slice(1), cause: error.message }, 'launch.kill-failed');
      });
    });
    this.#finalKills.set(Id, cancel);
  }

  async *#engineLogs(container: ContainerInspection, query: LogQuery): AsyncGenerator<LogChunk> {
    const { signal } = query;
    const reading = new AbortController();
    const end = () => reading.abort();
    if (signal?.aborted) return;
    signal?.addEventListener('abort', end);
    try {
      const { Id, Name, Config } = container;
      const launch = { name: Name.slice(1), labels: Config.Labels, env: Config.Env };
      const masks = await this.#masks.of(launch);
      yield* this.#wantedLogs(Id, query, masks, reading.signal);
    } catch (error) {
      if (!reading.signal.aborted) throw error;
    } finally {
      signal?.removeEventListener('abort', end);
      reading.abort();
    }
  }

  #wantedLogs(
    id: string,
    query: LogQuery,
    masks: readonly Buffer[],
    signal: AbortSignal,
  ): AsyncGenerator<LogChunk> {
    const docker = this.#docker;
    const whole = { stdout: true, stderr: true, follow: false, tail: 'all' } as const;
    const read = async function* (more: Partial<EngineLogQuery>, parser?: FrameParser) {
      yield* readFrames(await docker.logs(id, { ...whole, ...more }, signal), parser);
    };
    const { stream } = query;
    const streams = { stdout: stream !== 'stderr', stderr: stream !== 'stdout' };
    return wantedOutput(query, {
      read: (follow) => maskedOutput(read({ ...streams, follow }), masks),
      // The engine takes the tail of both streams first, and then filters.
      ...(stream === undefined && { readTail: (tail: number) => maskedOutput(read({ tail }), masks) }),
      isCut: async () => this.#watch.isCut(id) ?? (await isCut((tail, parser) => read({ tail }, parser))),
    });
  }
}
