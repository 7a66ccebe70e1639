/**
 * Launches of processes under supervisors, on this host or on another one.
 *
 * A launch is a file that appears atomically under its name (launch.ts). Its job is started by a supervisor that claims the
 * file first, so at most one ever starts it, whatever crashes or pauses. Jobs continue while no scheduler runs: the
 * supervisor notes their ends in the file, and the next launcher for the same folder adopts running ones.
 *
 * A launch on a host that died is reported as lost when the host is back.
 */

import { CarillonError } from '../../errors.ts';
import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type {
  Clock,
  EngineDescription,
  Launcher,
  LaunchesAhead,
  LaunchReport,
  Log,
  LogChunk,
  LogQuery,
  Observation,
} from '../../scheduler/ports.ts';
import { sleep } from '../../scheduler/waiting.ts';
import type { RunLogs } from '../logs/run-logs.ts';
import { LaunchesHeldAhead } from './ahead.ts';
import { startFailure, unavailable } from './faults.ts';
import { type Journal, journalLine, type LaunchRecord, outcomeOf } from './journal.ts';
import type { Beginning, Begun, EndedEarly, Launch, Launches } from './launch.ts';
import { refused } from './refusal.ts';
import { endedObservation, type Watch } from './watch.ts';

/** Directories read at once for the inventory. */
const inventoryWidth = 32;
/** Time that another launch of the same or a newer term may take from its directory to its start. */
const startPatienceMs = 5_000;
const startPollMs = 20;
/** Rounds in which a start may meet another scheduler's, before it is left to the next call. */
const maxRounds = 5;

export interface SupervisedLauncherParts {
  readonly engine: string;
  /** Where the launches are, for people. */
  readonly dir: string;
  readonly installation: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Where logs go when a launch is removed. */
  readonly logs: RunLogs;
  readonly launches: Launches;
  /** Watches launches until nothing of them is left. */
  readonly watch: (emit: (observation: Observation) => void) => Watch;
  /** The current boot of the machine. */
  readonly boot: () => string;
  /** LAUNCH_REFUSED if the job cannot be started. `found`: the path of its program, if it was searched before. */
  readonly start: (spec: LaunchSpec, found?: string) => Promise<Beginning['start']>;
  /** Why the supervisor ended before the job started. */
  readonly explain: (spec: LaunchSpec, ended: EndedEarly) => CarillonError;
  readonly describe: () => Promise<EngineDescription>;
}

interface Found {
  readonly launch: Launch;
  readonly journal: Journal;
}

export function createSupervisedLauncher(parts: SupervisedLauncherParts): Launcher {
  return new SupervisedLauncher(parts);
}

class SupervisedLauncher implements Launcher {
  readonly engine: string;
  readonly ahead?: LaunchesAhead;
  readonly launchAt?: NonNullable<Launcher['launchAt']>;
  readonly #parts: SupervisedLauncherParts;
  readonly #launches: Launches;
  readonly #prepared: LaunchesHeldAhead;
  readonly #watch: Watch;
  readonly #listeners: ((observation: Observation) => void)[] = [];
  /** One change of a name at a time. */
  readonly #changes = new Map<string, Promise<void>>();
  #stopped = false;

  constructor(parts: SupervisedLauncherParts) {
    this.#parts = parts;
    this.engine = parts.engine;
    this.#launches = parts.launches;
    const { hold } = this.#launches;
    const read = (spec: LaunchSpec, found?: string) => this.#beginning(spec, found);
    const isFree = (launchName: string) => !this.#stopped && !this.#changes.has(launchName);
    this.#prepared = new LaunchesHeldAhead({ ...parts, hold: hold ?? (async () => null), read, isFree });
    if (hold !== undefined) this.ahead = this.#prepared;
    if (this.#launches.keepsTime) {
      this.launchAt = (spec, at, mayStart) =>
        this.#change(spec.launchName, () => this.#launch(spec, mayStart, at));
    }
    this.#watch = parts.watch((observation) => this.#emit(observation));
  }

  /** Adopts running launches. */
  async start(): Promise<void> {
    await this.#launches.prepare();
    await this.inventory();
  }

  /** Stops watching; jobs continue. Starts in progress are finished, waiting ones refused. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled(this.#changes.values());
    await this.#prepared.close();
    await this.#launches.stop();
    this.#watch.stop();
  }

  onObservation(listener: (observation: Observation) => void): void {
    this.#listeners.push(listener);
  }

  launch(spec: LaunchSpec, mayStart: () => boolean = () => true): Promise<void> {
    return this.#change(spec.launchName, () => this.#launch(spec, mayStart));
  }

  kill(launchName: string, graceMs: number): Promise<void> {
    return this.#change(launchName, async () => {
      const found = await this.#openLaunch(launchName);
      if (!found || found.journal.endedAt !== null) return;
      const { launch, journal } = found;
      if (journal.supervisor) {
        if (!this.#watch.has(launchName)) await this.#attach(launch, journal, null);
        await this.#watch.kill(launchName, graceMs);
      } else if (await launch.takeBack()) {
        await launch.note(journalLine.killed);
        await this.#endUnstarted(launch);
      }
    });
  }

  takeBack(launchName: string): Promise<void> {
    return this.#change(launchName, async () => {
      const found = await this.#openLaunch(launchName);
      if (!found || found.journal.supervisor || found.journal.endedAt !== null) return;
      if (await found.launch.takeBack()) await found.launch.discard();
    });
  }

  remove(launchName: string): Promise<void> {
    return this.#change(launchName, async () => {
      const found = await this.#openLaunch(launchName);
      if (!found) return;
      const { launch, journal } = found;
      if (journal.endedAt === null && (journal.supervisor || !(await launch.takeBack()))) {
        this.#parts.log.warn({ launch: launchName }, 'launch.remove-refused-while-running');
        return;
      }
      if (!(await launch.endLeftovers(journal))) {
        this.#parts.log.warn({ launch: launchName }, 'launch.remove-refused-by-leftovers');
        return;
      }
      // Its name goes last: an interruption before that is repaired by the next call.
      await this.#parts.logs.keep(launchName, launch.output);
      await launch.discard();
    });
  }

  async inventory(): Promise<LaunchReport[]> {
    const reports: LaunchReport[] = [];
    const names = await this.#launches.names();
    for (let from = 0; from < names.length; from += inventoryWidth) {
      const some = await Promise.all(
        names.slice(from, from + inventoryWidth).map((name) => this.#report(name)),
      );
      reports.push(...some.filter((report) => report !== null));
    }
    return reports;
  }

  async *logs(launchName: string, query: LogQuery): AsyncGenerator<LogChunk, void, undefined> {
    const { clock, logs } = this.#parts;
    await this.#report(launchName); // So that what runs is watched, and its end will be known.
    const launch = (await this.#open(launchName))?.launch;
    if (launch) {
      const output = this.#watch.output(launchName) ?? launch.output;
      yield* output.read(query, { clock, ended: () => this.#stopped || !this.#watch.has(launchName) });
    } else {
      yield* logs.read(launchName, query, () => true);
    }
  }

  describe(): Promise<EngineDescription> {
    return this.#parts.describe();
  }

  #emit(observation: Observation): void {
    if (this.#stopped) return;
    for (const listener of this.#listeners) listener(observation);
  }

  /** After changes in progress for this name. */
  async #change(name: string, task: () => Promise<void>): Promise<void> {
    if (this.#stopped) throw unavailable(name, 'the scheduler is stopping');
    const before = this.#changes.get(name) ?? Promise.resolve();
    const change = before.then(task, task);
    this.#changes.set(name, change);
    try {
      await change;
    } finally {
      if (this.#changes.get(name) === change) this.#changes.delete(name);
    }
  }

  async #launch(spec: LaunchSpec, mayStart: () => boolean, at?: number): Promise<void> {
    try {
      const held = await this.#prepared.take(spec);
      if (held !== null && (await this.#begun(await held.begin(mayStart, at), spec, true))) return;
      for (let round = 0; round < maxRounds; round++) {
        const existing = await this.#launches.open(spec.launchName);
        const done = existing ? await this.#adopt(existing, spec) : await this.#begin(spec, mayStart, at);
        if (done) return;
      }
    } catch (error) {
      // A disk that fails midway leaves it unknown whether it runs; the next call finds out.
      throw error instanceof CarillonError ? error : unavailable(spec.launchName, String(error));
    }
    throw unavailable(spec.launchName, 'others are starting and revoking the same launch');
  }

  /** True: it runs or ran. False: it was never started and is removed. */
  async #adopt(launch: Launch, spec: LaunchSpec): Promise<boolean> {
    const { clock, dir } = this.#parts;
    const { record } = launch;
    if (record && record.cluster !== spec.installation) {
      const message = `${dir} has a launch of this name from installation ${record.cluster}`;
      throw refused('data-dir', dir, message, 'a separate directory for each installation');
    }
    const deadline = clock.monotonicMs() + startPatienceMs;
    for (;;) {
      const journal = await launch.journal();
      if (!journal) return false;
      if (journal.supervisor || journal.endedAt !== null) {
        await this.#attach(launch, journal, null);
        return true;
      }
      if (!record || this.#diedWithMachine(record)) return await this.#endUnstarted(launch);
      const patient = clock.monotonicMs() < deadline;
      const leftover = record.term < spec.term || (record.term === spec.term && !patient);
      if (leftover && (await launch.takeBack())) {
        await launch.discard();
        return false;
      }
      if (!patient) {
        // Claimed, but its supervisor never reported the start; or a newer leader was interrupted.
        if (await launch.isAbandoned()) return await this.#endUnstarted(launch);
        throw unavailable(launch.name, 'another scheduler is about to start it');
      }
      await sleep(clock, startPollMs);
    }
  }

  /** Creates and starts. False if another scheduler has the name or revoked this start. */
  async #begin(spec: LaunchSpec, mayStart: () => boolean, at?: number): Promise<boolean> {
    const beginning = await this.#beginning(spec);
    const begun = await this.#launches.begin(beginning, mayStart, at).catch((error) => {
      throw error instanceof CarillonError ? error : startFailure(spec.launchName, error);
    });
    return this.#begun(begun, spec, false);
  }

  async #beginning(spec: LaunchSpec, found?: string): Promise<Beginning> {
    const start = await this.#parts.start(spec, found);
    const { launchName: name, installation: cluster, term, job, run, attempt, due } = spec;
    const createdAt = this.#parts.clock.now();
    const hosts = spec.everywhere?.names;
    const record = {
      ...{ cluster, term, job, run, attempt, due, createdAt, boot: this.#parts.boot() },
      ...(hosts !== undefined && { hosts }),
    };
    return { name, record, limits: spec, start };
  }

  async #begun(begun: Begun, spec: LaunchSpec, wasPrepared: boolean): Promise<boolean> {
    if (begun.kind === 'taken') return false;
    if (begun.kind === 'ended') return this.#ended(begun, spec, wasPrepared);
    if (begun.kind === 'withdrawn') {
      if (await begun.launch.takeBack()) await begun.launch.discard();
      throw unavailable(spec.launchName, 'this scheduler can no longer prove that it leads');
    }
    const journal = await begun.launch.journal();
    if (!journal) return false;
    // From here on it may run: whatever fails, it stays, and the next call adopts it.
    await this.#attach(begun.launch, journal, begun.exited);
    return true;
  }

  /** The supervisor ended before the job started: refused, revoked by another scheduler, or never claimed. */
  async #ended(ended: EndedEarly, spec: LaunchSpec, wasPrepared: boolean): Promise<boolean> {
    const { launch } = ended;
    const journal = await launch.journal();
    // If the program that serves was killed, its supervisor may still start it.
    if (!journal || journal.supervisor || !(await launch.takeBack())) return false;
    await launch.discard();
    // It ended in the moment in which it was opened. It is started anew.
    if (wasPrepared) return false;
    throw this.#parts.explain(spec, ended);
  }

  /** Reports a started or ended launch, and watches it to its end. */
  async #attach(launch: Launch, journal: Journal, exited: Promise<unknown> | null): Promise<void> {
    const { startedAt } = journal;
    if (startedAt !== null) this.#emit({ kind: 'started', launchName: launch.name, at: startedAt });
    if (journal.endedAt !== null) {
      this.#emit(endedObservation(launch.name, { ...journal, endedAt: journal.endedAt }, this.#parts.boot()));
    } else if (startedAt !== null) {
      this.#watch.add(launch, { ...journal, startedAt }, exited);
      // It may have ended already; the end of our own child is reported by its exit.
      if (!exited) await this.#watch.check(launch.name);
    }
  }

  /** Its journal may not have survived, so it is unknown whether it was started. */
  #diedWithMachine(record: LaunchRecord): boolean {
    return record.boot !== this.#parts.boot();
  }

  /** Ended without ever having been observed to start. */
  async #endUnstarted(launch: Launch): Promise<true> {
    await launch.note(journalLine.ended(this.#parts.clock.now(), 0));
    const journal = await launch.journal();
    if (journal) await this.#attach(launch, journal, null);
    return true;
  }

  /** Discards what is only prepared. */
  async #openLaunch(launchName: string): Promise<Found | null> {
    await this.#prepared.discard(launchName);
    return this.#open(launchName);
  }

  /** Null for the names of other installations. */
  async #open(launchName: string): Promise<Found | null> {
    const { installation } = this.#parts;
    const launch = await this.#launches.open(launchName);
    if (!launch || (launch.record && launch.record.cluster !== installation)) return null;
    const journal = await launch.journal();
    return journal && { launch, journal };
  }

  async #report(launchName: string): Promise<LaunchReport | null> {
    const running = this.#watch.running(launchName);
    if (running !== null) return running;
    // Ours, but not a launch yet.
    if (this.#prepared.has(launchName)) return null;
    const found = await this.#open(launchName);
    if (!found) return null;
    const { launch } = found;
    if (found.journal.supervisor && found.journal.endedAt === null) {
      await this.#attach(launch, found.journal, null);
    } else if (!launch.record || this.#diedWithMachine(launch.record)) {
      if (found.journal.endedAt === null) await this.#endUnstarted(launch);
    }
    const journal = await launch.journal();
    if (!journal) return null;
    const { startedAt, endedAt } = journal;
    const known = { launchName, ...(startedAt === null ? {} : { startedAt }) };
    if (endedAt !== null) {
      return { ...known, state: 'ended', endedAt, ...outcomeOf(journal, this.#parts.boot()) };
    }
    return { ...known, state: journal.supervisor ? 'running' : 'created' };
  }
}
