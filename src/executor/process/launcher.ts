/**
 * The process engine: jobs as processes on the scheduler's host.
 *
 * A launch is a directory that appears atomically under its name (directory.ts). Its job is started by a
 * supervisor that claims the directory first (supervisor/), so at most one ever starts it, whatever
 * crashes or pauses. Jobs continue while no scheduler runs: their exit codes are in the journal, and the next
 * launcher for the same directory adopts running ones (watch.ts).
 *
 * Limits: a launch on a host that died is reported as lost when the host is back. Without cgroups, a process
 * that leaves the job's process group (setsid) no longer belongs to the run. Output goes to files, so a job that
 * reopens /dev/stderr without appending truncates it. logs/stream-file.ts has the limits of logs.
 */

import { availableParallelism, hostname, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { CarillonError } from '../../errors.ts';
import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type {
  Clock,
  Launcher,
  LaunchReport,
  Log,
  LogChunk,
  LogQuery,
  Observation,
} from '../../scheduler/ports.ts';
import { sleep } from '../../scheduler/waiting.ts';
import { LogFiles } from '../logs/files.ts';
import { defaultBytesPerStream, type RunLogs } from '../logs/run-logs.ts';
import { supervisorEnd } from '../supervisor/program.ts';
import { servedSupervisors } from '../supervisor/server.ts';
import { shellSupervisors } from '../supervisor/shell.ts';
import type { SupervisorRequest, Supervisors } from '../supervisor/start.ts';
import { endCgroup } from './cgroup.ts';
import {
  createLaunchDirectories,
  type LaunchDirectories,
  type LaunchDirectory,
  type LaunchRecord,
} from './directory.ts';
import { notBecome, outOfReach, startFailure, supervisorFailed, unavailable } from './faults.ts';
import { type Journal, journalLine, outcomeOf } from './journal.ts';
import { refused } from './refusal.ts';
import { type Environment, processRequest } from './request.ts';
import { processSource } from './table.ts';
import { endedObservation, LaunchWatch, startedAtOf } from './watch.ts';

/** Directories read at once for the inventory. */
const inventoryWidth = 32;
/** Time that another launch of the same or a newer term may take from its directory to its start. */
const startPatienceMs = 5_000;
const startPollMs = 20;
/** Rounds in which a start may meet another scheduler's, before it is left to the next call. */
const maxRounds = 5;

export interface ProcessLauncherParts {
  /** Contains `launches/` and `scratch/`; on the same file system as the kept logs. */
  readonly dir: string;
  readonly installation: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Where logs go when a launch is removed. */
  readonly logs: RunLogs;
  /** The supervisor's program (supervisor/file.ts). Null: a shell with fewer abilities. */
  readonly supervisor: string | null;
  /** The folder for the cgroups of launches (cgroup.ts). Null: there are none, as with the shell. */
  readonly cgroups: string | null;
  /** The scheduler's environment; jobs only see PATH, HOME, LANG, TZ and USER of it. */
  readonly environment: Environment;
  /** Folders with secrets for jobs of all users. Default: none. */
  readonly secretFolders?: readonly string[];
  readonly logBytesPerStream?: number;
}

export function createProcessLauncher(parts: ProcessLauncherParts): Launcher {
  return new ProcessLauncher(parts);
}

class ProcessLauncher implements Launcher {
  readonly engine = 'process';
  readonly #parts: ProcessLauncherParts;
  readonly #directories: LaunchDirectories;
  readonly #source = processSource();
  readonly #watch: LaunchWatch;
  readonly #supervisors: Supervisors;
  readonly #listeners: ((observation: Observation) => void)[] = [];
  /** One change of a name at a time. */
  readonly #changes = new Map<string, Promise<void>>();
  #stopped = false;

  constructor(parts: ProcessLauncherParts) {
    this.#parts = parts;
    this.#directories = createLaunchDirectories(parts);
    const { supervisor, dir, clock } = parts;
    this.#supervisors = supervisor === null ? shellSupervisors(dir) : servedSupervisors(supervisor, clock);
    this.#watch = new LaunchWatch({
      clock: parts.clock,
      log: parts.log,
      source: this.#source,
      filesOf: (directory) => this.#files(directory),
      emit: (observation) => this.#emit(observation),
    });
  }

  /** Adopts running launches. */
  async start(): Promise<void> {
    await this.#directories.prepare();
    await this.inventory();
  }

  /** Stops watching; jobs continue. Starts in progress are finished, waiting ones refused. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled(this.#changes.values());
    await this.#supervisors.stop();
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
      const found = await this.#open(launchName);
      if (!found || found.journal.endedAt !== null) return;
      const { directory, journal } = found;
      if (journal.supervisor) {
        if (!this.#watch.has(launchName)) await this.#attach(directory, journal, null);
        await this.#watch.kill(launchName, graceMs);
      } else if (await directory.takeBack()) {
        await directory.note(journalLine.killed);
        await this.#endUnstarted(directory);
      }
    });
  }

  takeBack(launchName: string): Promise<void> {
    return this.#change(launchName, async () => {
      const found = await this.#open(launchName);
      if (!found || found.journal.supervisor || found.journal.endedAt !== null) return;
      if (await found.directory.takeBack()) await this.#directories.discard(found.directory);
    });
  }

  remove(launchName: string): Promise<void> {
    return this.#change(launchName, async () => {
      const found = await this.#open(launchName);
      if (!found) return;
      const { directory, journal } = found;
      if (journal.endedAt === null && (journal.supervisor || !(await directory.takeBack()))) {
        this.#parts.log.warn({ launch: launchName }, 'launch.remove-refused-while-running');
        return;
      }
      const { cgroup } = journal;
      if (cgroup !== null && !(await endCgroup(cgroup, this.#parts.clock))) {
        this.#parts.log.warn({ launch: launchName, cgroup }, 'launch.remove-refused-by-leftovers');
        return;
      }
      // Logs first: an interruption between the two is repaired by the next call.
      await this.#parts.logs.keep(launchName, this.#files(directory));
      await this.#directories.discard(directory);
    });
  }

  async inventory(): Promise<LaunchReport[]> {
    const reports: LaunchReport[] = [];
    const names = await this.#directories.names();
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
    const directory = (await this.#open(launchName))?.directory;
    if (directory) {
      const files = this.#watch.files(launchName) ?? this.#files(directory);
      yield* files.read(query, { clock, ended: () => this.#stopped || !this.#watch.has(launchName) });
    } else {
      yield* logs.read(launchName, query, () => true);
    }
  }

  async describe(): ReturnType<Launcher['describe']> {
    return {
      reachable: true,
      version: `${type()} ${release()}`,
      detail: `processes on ${hostname()}`,
      cpus: availableParallelism(),
      memoryBytes: totalmem(),
    };
  }

  #files({ logPath }: LaunchDirectory): LogFiles {
    const { logBytesPerStream = defaultBytesPerStream, supervisor } = this.#parts;
    return new LogFiles(logPath, logBytesPerStream, supervisor);
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

  async #launch(spec: LaunchSpec, mayStart: () => boolean): Promise<void> {
    try {
      for (let round = 0; round < maxRounds; round++) {
        const existing = await this.#directories.open(spec.launchName);
        const done = existing ? await this.#adopt(existing, spec) : await this.#begin(spec, mayStart);
        if (done) return;
      }
    } catch (error) {
      // A disk that fails midway leaves it unknown whether it runs; the next call finds out.
      throw error instanceof CarillonError ? error : unavailable(spec.launchName, String(error));
    }
    throw unavailable(spec.launchName, 'others are starting and revoking the same launch');
  }

  /** True: it runs or ran. False: it was never started and is removed. */
  async #adopt(directory: LaunchDirectory, spec: LaunchSpec): Promise<boolean> {
    const { clock, dir } = this.#parts;
    const { record } = directory;
    if (record && record.cluster !== spec.installation) {
      const message = `${dir} has a launch of this name from installation ${record.cluster}`;
      throw refused('data-dir', dir, message, 'a separate directory for each installation');
    }
    const deadline = clock.monotonicMs() + startPatienceMs;
    for (;;) {
      const journal = await directory.journal();
      if (!journal) return false;
      if (journal.supervisor || journal.endedAt !== null) {
        await this.#attach(directory, journal, null);
        return true;
      }
      if (!record || this.#diedWithMachine(record)) return await this.#endUnstarted(directory);
      const patient = clock.monotonicMs() < deadline;
      const leftover = record.term < spec.term || (record.term === spec.term && !patient);
      if (leftover && (await directory.takeBack())) {
        await this.#directories.discard(directory);
        return false;
      }
      if (!patient) {
        // Claimed, but its supervisor never reported the start; or a newer leader was interrupted.
        const pid = await directory.claimant();
        if (pid !== null && !(await this.#source.find(pid))) return await this.#endUnstarted(directory);
        throw unavailable(directory.name, 'another scheduler is about to start it');
      }
      await sleep(clock, startPollMs);
    }
  }

  /** Prepares, creates and starts. False if another scheduler has the name or revoked this start. */
  async #begin(spec: LaunchSpec, mayStart: () => boolean): Promise<boolean> {
    const { clock, supervisor: program, cgroups, environment, secretFolders } = this.#parts;
    const request = await processRequest(spec, environment, program, secretFolders);
    const { launchName, installation: cluster, term, job, run, attempt, due } = spec;
    const record = { cluster, term, job, run, attempt, due, createdAt: clock.now(), boot: this.#source.boot };
    const directory = await this.#directories.create(launchName, record, request.owner);
    if (!directory) return false;
    if (!mayStart()) {
      if (await directory.takeBack()) await this.#directories.discard(directory);
      throw unavailable(launchName, 'this scheduler can no longer prove that it leads');
    }
    const { claimPath, files } = directory;
    const cwd = request.cwd ?? directory.workPath;
    const cgroup = cgroups && join(cgroups, directory.incarnation);
    return await this.#started(directory, { ...request, cwd, claimPath, files, cgroup }, spec.user);
  }

  async #started(
    directory: LaunchDirectory,
    request: SupervisorRequest,
    user: string | null,
  ): Promise<boolean> {
    const { cwd } = request;
    const supervisor = this.#supervisors.start(request);
    const began = await supervisor.started.catch(async (error) => {
      if (error instanceof CarillonError) throw error; // It may have been started: the next call finds out.
      // If a newer leader revoked and replaced it, its directories were missing; otherwise it is refused.
      if (!(await directory.journal())) return false;
      await this.#directories.discard(directory);
      throw startFailure(directory.name, error);
    });
    const code = began ? null : await supervisor.exited;
    const claimed = (await directory.claimedAt()) !== null;
    const journal = await directory.journal();
    // The shell runs as the job's user, so it cannot claim what that user cannot reach.
    const { claimLost, noFolder, noUser } = supervisorEnd;
    const barred = code === noUser || code === noFolder || code === claimLost;
    if (!journal || (barred && claimed)) return false;
    if (barred && user !== null && (code !== claimLost || this.#parts.supervisor === null)) {
      if (!(await directory.takeBack())) return false;
      await this.#directories.discard(directory);
      const folder = cwd === directory.workPath ? this.#parts.dir : cwd;
      throw code === noUser ? notBecome(user) : outOfReach(folder, user);
    }
    if (!journal.supervisor) {
      await this.#directories.discard(directory);
      throw supervisorFailed(directory.name, code);
    }
    // From here on it may run: whatever fails, its directory stays, and the next call adopts it.
    await this.#attach(directory, journal, supervisor.exited);
    return true;
  }

  /** Reports a started or ended launch, and watches it to its end. */
  async #attach(
    directory: LaunchDirectory,
    journal: Journal,
    exited: Promise<unknown> | null,
  ): Promise<void> {
    const startedAt = await startedAtOf(directory, journal);
    if (startedAt !== null) this.#emit({ kind: 'started', launchName: directory.name, at: startedAt });
    if (journal.endedAt !== null) {
      const ended = { ...journal, endedAt: journal.endedAt };
      this.#emit(endedObservation(directory.name, ended, startedAt, this.#source));
    } else if (startedAt !== null) {
      this.#watch.add(directory, journal, startedAt, exited);
      // It may have ended already; the end of our own child is reported by its exit.
      if (!exited) await this.#watch.check(directory.name);
    }
  }

  /** Its journal may not have survived, so it is unknown whether it was started. */
  #diedWithMachine(record: LaunchRecord): boolean {
    return record.boot !== this.#source.boot;
  }

  /** Ended without ever having been observed to start. */
  async #endUnstarted(directory: LaunchDirectory): Promise<true> {
    await directory.note(journalLine.ended(this.#parts.clock.now(), 0));
    const journal = await directory.journal();
    if (journal) await this.#attach(directory, journal, null);
    return true;
  }

  /** Null for the names of other installations. */
  async #open(launchName: string): Promise<{ directory: LaunchDirectory; journal: Journal } | null> {
    const { installation } = this.#parts;
    const directory = await this.#directories.open(launchName);
    if (!directory || (directory.record && directory.record.cluster !== installation)) return null;
    const journal = await directory.journal();
    return journal && { directory, journal };
  }

  async #report(launchName: string): Promise<LaunchReport | null> {
    const running = this.#watch.running(launchName);
    if (running !== null) return running;
    const found = await this.#open(launchName);
    if (!found) return null;
    const { directory } = found;
    if (found.journal.supervisor && found.journal.endedAt === null) {
      await this.#attach(directory, found.journal, null);
    } else if (!directory.record || this.#diedWithMachine(directory.record)) {
      if (found.journal.endedAt === null) await this.#endUnstarted(directory);
    }
    const journal = await directory.journal();
    if (!journal) return null;
    const startedAt = await startedAtOf(directory, journal);
    const known = { launchName, ...(startedAt === null ? {} : { startedAt }) };
    if (journal.endedAt !== null) {
      return { ...known, state: 'ended', endedAt: journal.endedAt, ...outcomeOf(journal, this.#source.boot) };
    }
    return { ...known, state: journal.supervisor ? 'running' : 'created' };
  }
}
