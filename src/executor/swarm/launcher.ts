/**
 * The swarm engine: jobs as services of a Swarm, one service with one task per attempt. request.ts builds
 * services, state.ts interprets their tasks, and watch.ts observes them; this file combines them with
 * launching, killing and logs.
 *
 * Creating a service starts it: leadership is checked directly before, and the name is the lock. A service
 * stays, with its ended task, until it is removed; so does a killed one. This object keeps nothing that
 * another scheduler could not find out.
 */

import { CarillonError } from '../../errors.ts';
import type { Expiries } from '../../scheduler/expiry.ts';
import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type {
  Clock,
  EngineDescription,
  Launcher,
  LaunchReport,
  Log,
  LogChunk,
  LogQuery,
  Observation,
} from '../../scheduler/ports.ts';
import type { TlsFiles } from '../container/address.ts';
import { type FindCredentials, noCredentials } from '../container/credentials.ts';
import { expiriesOf } from '../container/expiries.ts';
import { labelOf } from '../container/labels.ts';
import { copyLogs, engineLogs } from '../container/logs.ts';
import { LaunchMasks } from '../container/masks.ts';
import { type Flight, Flights } from '../flights.ts';
import { isLaunchName, type RunLogs } from '../logs/run-logs.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { SwarmCapacity } from './capacity.ts';
import { createService, removeSecrets, sweepSecrets } from './create.ts';
import { SwarmEngine, type SwarmServiceEntry } from './engine.ts';
import { taskLog } from './logs.ts';
import { isKilled, killedService } from './request.ts';
import { attemptOf, type SwarmNode, type SwarmTask } from './state.ts';
import { byLaunch, SwarmWatch } from './watch.ts';

/**
 * A task that has not started within this time is reported as waiting, and requested again later, because
 * others wait for its slot in the start queue. Nodes are slow to start many tasks at once; a task that fits
 * no node may wait forever.
 */
const startPatienceMs = { onItsWay: 20_000, nowhere: 2_000 } as const;
/** How long `stop` lets calls finish; hanging managers must not delay the scheduler. */
const stopPatienceMs = 5_000;
/** A kill is an update of the service, which fails if someone else changes it at the same time. */
const killTries = 5;

export interface SwarmLauncherParts {
  /** Addresses of managers: `unix:///var/run/docker.sock`, `tcp://host:port`, `https://host:port`. */
  readonly hosts: readonly string[];
  readonly tls?: TlsFiles | null;
  readonly installation: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Logins of this host, for images of jobs without a login of their own. */
  readonly credentials?: FindCredentials;
  /** Where logs go when a launch is removed. */
  readonly logs: RunLogs;
  readonly secrets: Secrets;
}

export function createSwarmLauncher(parts: SwarmLauncherParts): Launcher {
  return new SwarmLauncher(parts);
}

class SwarmLauncher implements Launcher {
  readonly engine = 'swarm';
  readonly expiries: Expiries;
  readonly #parts: SwarmLauncherParts;
  readonly #swarm: SwarmEngine;
  readonly #watch: SwarmWatch;
  readonly #capacity: SwarmCapacity;
  readonly #masks: LaunchMasks;
  readonly #listeners: ((observation: Observation) => void)[] = [];
  readonly #flights = new Flights();
  /** An inventory asks for removals again; a second copy would find the logs gone. */
  readonly #removals = new Flights();
  /** Launches with secrets and no service, at the last inventory. */
  #unusedSecrets: ReadonlySet<string> = new Set();
  #stopped = false;

  constructor(parts: SwarmLauncherParts) {
    const { hosts, tls = null, clock, log, installation } = parts;
    this.#parts = parts;
    this.#swarm = new SwarmEngine({ hosts, tls, clock });
    this.expiries = expiriesOf(tls);
    const emit = (observation: Observation) => {
      for (const listener of this.#listeners) listener(observation);
    };
    this.#masks = new LaunchMasks(parts.secrets, log);
    this.#capacity = new SwarmCapacity(this.#swarm, clock);
    this.#watch = new SwarmWatch({ engine: this.#swarm, installation, clock, log, emit });
  }

  /** Also resolves if no manager responds; they are then retried until one does. */
  start(): Promise<void> {
    return this.#watch.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const cancel = this.#parts.clock.after(stopPatienceMs, () => this.#swarm.close());
    await Promise.allSettled([this.#watch.stop(), this.#flights.settled()]);
    cancel();
    this.#swarm.close();
  }

  onObservation(listener: (observation: Observation) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * NO_PLACE if no node fits. ENGINE_UNAVAILABLE with the reason if a task is not started after all, because
   * its capacity was used by another in between, for a reason that only Swarm knows, or because its image is
   * being pulled: its service exists, and continues to wait by itself.
   */
  launch(spec: LaunchSpec, mayStart: () => boolean = () => true): Promise<void> {
    return this.#flights.run(spec.launchName, (flight) => this.#launch(spec, flight, mayStart));
  }

  /** The grace is that with which the service was created; Swarm takes a second more to begin. */
  async kill(launchName: string, graceMs: number): Promise<void> {
    this.#flights.kill(launchName, graceMs);
    for (let tries = 1; ; tries++) {
      const service = await this.#find(launchName);
      if (service === null || isKilled(service.Spec.TaskTemplate)) return;
      const tasks = await this.#swarm.tasksOf(service.ID);
      if (this.#watch.report(launchName, tasks).state === 'ended') return;
      try {
        await this.#swarm.update(service, killedService(service.Spec));
        // Followed to its end, even by a scheduler that had not observed it yet.
        if (tasks.length > 0) this.#watch.take(launchName, tasks);
        return;
      } catch (error) {
        if (tries === killTries) throw error;
      }
    }
  }

  /** Nothing to revoke: a created service is started. */
  takeBack(): Promise<void> {
    return Promise.resolve();
  }

  remove(launchName: string): Promise<void> {
    return this.#removals.run(launchName, () => this.#remove(launchName));
  }

  async inventory(): Promise<LaunchReport[]> {
    const { installation } = this.#parts;
    const services = await this.#swarm.services(installation);
    const tasks = byLaunch(await this.#swarm.tasks(installation));
    await this.#watch.nodes();
    const names = new Set(services.map(({ Spec }) => Spec.Name));
    const isUsed = (name: string): boolean => names.has(name) || this.#flights.has(name);
    this.#unusedSecrets = await sweepSecrets(this.#swarm, {
      installation,
      isUsed,
      before: this.#unusedSecrets,
    });
    return services.map(({ Spec: { Name: name } }) => this.#watch.report(name, tasks.get(name) ?? []));
  }

  logs(launchName: string, query: LogQuery): AsyncGenerator<LogChunk, void, undefined> {
    return engineLogs(launchName, query, {
      logs: this.#parts.logs,
      find: (name) => this.#find(name),
      read: (service) => this.#serviceLogs(service, query),
    });
  }

  async describe(): Promise<EngineDescription> {
    try {
      const { Version, ApiVersion } = await this.#swarm.version();
      const nodes = [...(await this.#watch.nodes()).values()];
      return { reachable: true, version: `${Version}, API ${ApiVersion}`, ...describeNodes(nodes) };
    } catch (error) {
      return { reachable: false, version: null, detail: (error as Error).message };
    }
  }

  async #remove(launchName: string): Promise<void> {
    const service = await this.#find(launchName);
    if (service === null) return;
    const tasks = await this.#swarm.tasksOf(service.ID);
    await this.#watch.nodes();
    const { logs, log } = this.#parts;
    const { state } = this.#watch.report(launchName, tasks);
    if (state === 'running') {
      log.warn({ launch: launchName }, 'launch.remove-refused-while-running');
      return;
    }
    const task = attemptOf(tasks);
    if (task?.NodeID) {
      const output = this.#taskLog(service, task, { timestamps: true });
      await copyLogs(launchName, output, { logs, log });
    }
    this.#watch.forget(launchName);
    this.#masks.forget(launchName);
    await this.#swarm.remove(service.ID);
    await removeSecrets(this.#swarm, launchName);
  }

  async #launch(spec: LaunchSpec, flight: Flight, mayStart: () => boolean): Promise<void> {
    const { launchName } = spec;
    const mayCreate = () => mayStart() && !this.#stopped && !flight.killed;
    const notStarted = (error: CarillonError) => {
      if (error.code !== 'NOT_LEADING') throw error;
      if (flight.killed) throw refused('It was killed before it started', launchName);
      throw this.#swarm.unavailable('this scheduler can no longer prove that it leads');
    };
    await this.#requireCapacity(spec);
    const context = {
      engine: this.#swarm,
      credentials: this.#parts.credentials ?? noCredentials,
      secrets: this.#parts.secrets,
      masks: this.#masks,
      mayCreate,
    };
    const created = await createService(spec, context).catch(notStarted);
    if (!created) await this.#adopt(spec);
    const expected = this.#watch.expect(launchName);
    try {
      if (flight.killed) await this.kill(launchName, 0);
      await this.#started(launchName);
    } finally {
      expected();
    }
  }

  /** An existing service waits in the Swarm itself. */
  async #requireCapacity(spec: LaunchSpec): Promise<void> {
    const missing = await this.#capacity.occupy(spec);
    if (missing === null || (await this.#swarm.service(spec.launchName)) !== null) return;
    throw new CarillonError('NO_PLACE', missing, { field: 'run', value: spec.launchName });
  }

  /** The name is in use: by ourselves, by an older leader, or by something foreign. */
  async #adopt(spec: LaunchSpec): Promise<void> {
    const service = await this.#swarm.service(spec.launchName);
    if (service === null) throw this.#swarm.unavailable(`${spec.launchName} existed and is gone`);
    const { Labels: labels } = service.Spec;
    if (labels[labelOf.installation] !== spec.installation || labels[labelOf.run] !== spec.run) {
      const run = labels[labelOf.run];
      const owner = run === undefined ? 'is not Carillon’s' : `belongs to run ${run}`;
      throw refused(
        `The name ${spec.launchName} is in use in the Swarm by a service that ${owner}`,
        service.ID,
      );
    }
    const tasks = await this.#swarm.tasksOf(service.ID);
    if (tasks.length > 0) this.#watch.take(spec.launchName, tasks, 'again');
  }

  /** Resolves once it runs or ran. Waits for a task on its way to a node, not for one that fits none. */
  async #started(launchName: string): Promise<void> {
    const { clock } = this.#parts;
    const began = clock.monotonicMs();
    for (;;) {
      const { report, waiting, nowhere = false } = this.#watch.sighting(launchName) ?? {};
      if (report?.state === 'ended' && report.startedAt === undefined && report.infrastructure !== true)
        throw refused(report.reason ?? 'It was ended before it started', launchName);
      // A loss in between has been reported; there is nothing to refuse.
      if (report?.state === 'running' || report?.state === 'ended') return;
      const patienceMs = startPatienceMs[nowhere ? 'nowhere' : 'onItsWay'];
      if (this.#stopped || clock.monotonicMs() - began >= patienceMs)
        throw this.#waits(waiting ?? 'the Swarm has not started it yet');
      await this.#watch.polled();
    }
  }

  #waits(reason: string): CarillonError {
    return new CarillonError('ENGINE_UNAVAILABLE', reason, { field: 'run', value: this.#swarm.hosts });
  }

  /** Our service of this name, or null. */
  async #find(launchName: string): Promise<SwarmServiceEntry | null> {
    if (!isLaunchName(launchName)) return null;
    const service = await this.#swarm.service(launchName);
    return service?.Spec.Labels[labelOf.installation] === this.#parts.installation ? service : null;
  }

  async *#serviceLogs(service: SwarmServiceEntry, query: LogQuery): AsyncGenerator<LogChunk> {
    const task = attemptOf(await this.#swarm.tasksOf(service.ID));
    // No node has it: a Swarm would wait for one.
    const empty = task === undefined || (!task.NodeID && query.follow !== true);
    if (!empty) yield* this.#taskLog(service, task, query);
  }

  async *#taskLog({ Spec }: SwarmServiceEntry, task: SwarmTask, query: LogQuery): AsyncGenerator<LogChunk> {
    const { Name: launchName, Labels: labels, TaskTemplate } = Spec;
    const masks = await this.#masks.of({ name: launchName, labels, env: TaskTemplate.ContainerSpec.Env });
    const ended = async (signal: AbortSignal): Promise<void> => {
      this.#watch.take(launchName, [task]);
      const isOver = () => this.#watch.sighting(launchName)?.report.state === 'ended';
      while (!signal.aborted && !this.#stopped && !isOver()) await this.#watch.polled();
    };
    const { clock } = this.#parts;
    yield* taskLog({ engine: this.#swarm, clock, taskId: task.ID, masks, ended }, query);
  }
}

/** Only resources of nodes that currently accept jobs count. */
function describeNodes(nodes: readonly SwarmNode[]) {
  const ready = nodes.filter(
    ({ Status, Spec }) => Status.State === 'ready' && Spec.Availability === 'active',
  );
  const managers = nodes.flatMap(({ ManagerStatus }) => ManagerStatus ?? []);
  const reachable = managers.filter(({ Reachability }) => Reachability === 'reachable');
  const sum = (of: 'NanoCPUs' | 'MemoryBytes') =>
    ready.reduce((total, { Description }) => total + (Description.Resources?.[of] ?? 0), 0);
  const detail =
    `${ready.length} of ${nodes.length} nodes ready, ` +
    `${reachable.length} of ${managers.length} managers reachable`;
  return { detail, cpus: sum('NanoCPUs') / 1e9, memoryBytes: sum('MemoryBytes') };
}

function refused(message: string, value: unknown): CarillonError {
  return new CarillonError('LAUNCH_REFUSED', message, { field: 'run', value });
}
