/**
 * Watches process launches until nothing of them is left, and reports each end once.
 *
 * A launch has ended when its supervisor is gone, and its process group and cgroup are empty: what a job
 * leaves there (the `tee` at the end of a pipe, a worker that outlived its parent) still belongs to the run.
 * The end is then written to the journal, so that every later report is the same. Launches started by this
 * process report their exit; adopted ones, and those with remaining processes, are checked in turn by one
 * shared sweep, which also enforces the limit of all logs.
 */

import type { Clock, LaunchReport, Log, Observation } from '../../scheduler/ports.ts';
import { within } from '../../scheduler/waiting.ts';
import type { LogFiles } from '../logs/files.ts';
import { removeCgroup } from './cgroup.ts';
import type { LaunchDirectory } from './directory.ts';
import { type Journal, journalLine, outcomeOf } from './journal.ts';
import { isRunAlive, killRun, type RunProcesses, terminateRun } from './run.ts';
import { isAlive, type ProcessSource } from './table.ts';

/** Maximum delay until the end of an adopted launch is detected, with at most `looksPerSweep` launches. */
const sweepEveryMs = 250;
/** Checks per sweep; with more launches each is checked in every n-th sweep. */
const checksPerSweep = 256;
/** Concurrent checks. */
const checkWidth = 16;
/** Delay after KILL before checking whether it has ended. */
const afterKillMs = 50;
/** How long a sweep waits for one launch to be trimmed: a job in a large write can make that last. */
const trimPatienceMs = 100;
/** Minimum interval between reports of dropped output, because each is a commit. */
const tellDroppedEveryMs = 5_000;

export interface ProcessWatchParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly source: ProcessSource;
  readonly filesOf: (directory: LaunchDirectory) => LogFiles;
  readonly emit: (observation: Observation) => void;
}

interface Watched {
  readonly directory: LaunchDirectory;
  readonly processes: RunProcesses;
  readonly startedAt: number;
  readonly files: LogFiles;
  /** Dropped output as last reported, and when. Null: not checked yet. */
  dropped: { readonly bytes: number; readonly atMs: number } | null;
  /** Its exit will be reported, so it need not be checked until then. */
  exitPending: boolean;
  /** The supervisor ended while other processes of the run continued. */
  lingered: boolean;
  looking: boolean;
  trimming: boolean;
  cancelKill: (() => void) | null;
}

export class LaunchWatch {
  readonly #parts: ProcessWatchParts;
  readonly #launches = new Map<string, Watched>();
  #turn: IterableIterator<Watched> | null = null;
  #cancelSweep: (() => void) | null = null;
  #stopped = false;

  constructor(parts: ProcessWatchParts) {
    this.#parts = parts;
  }

  has(name: string): boolean {
    return this.#launches.has(name);
  }

  /** What was reported about it. Null if it is not watched. */
  running(launchName: string): LaunchReport | null {
    const launch = this.#launches.get(launchName);
    if (!launch) return null;
    const { startedAt, dropped } = launch;
    const bytesDropped = dropped?.bytes ?? 0;
    return { launchName, state: 'running', startedAt, ...(bytesDropped > 0 && { bytesDropped }) };
  }

  files(name: string): LogFiles | null {
    return this.#launches.get(name)?.files ?? null;
  }

  /** Starts watching. `exited` resolves when the supervisor is gone. Null: another process started it. */
  add(
    directory: LaunchDirectory,
    journal: Journal,
    startedAt: number,
    exited: Promise<unknown> | null,
  ): void {
    const { supervisor, job, cgroup } = journal;
    if (this.#stopped || !supervisor || this.#launches.has(directory.name)) return;
    const launch: Watched = {
      directory,
      processes: { supervisor, job, cgroup },
      startedAt,
      files: this.#parts.filesOf(directory),
      dropped: null,
      exitPending: exited !== null,
      lingered: false,
      looking: false,
      trimming: false,
      cancelKill: null,
    };
    this.#launches.set(directory.name, launch);
    this.#armSweep();
    if (journal.kill) this.#resumeKill(launch, journal.kill);
    void exited?.then(() => {
      launch.exitPending = false;
      return this.#check(launch);
    });
  }

  /** TERM now, KILL after the grace. False if the launch is not watched. */
  async kill(name: string, graceMs: number): Promise<boolean> {
    const launch = this.#launches.get(name);
    if (!launch) return false;
    // Written first, so that an adopting scheduler knows the deadline.
    await launch.directory.note(journalLine.kill(this.#parts.clock.now(), graceMs));
    await terminateRun(this.#parts.source, launch.processes);
    this.#armKill(launch, graceMs);
    return true;
  }

  /** Checks now rather than at the next sweep. */
  async check(name: string): Promise<void> {
    const launch = this.#launches.get(name);
    if (launch && !launch.exitPending) await this.#check(launch);
  }

  /** Stops watching; jobs continue. */
  stop(): void {
    this.#stopped = true;
    this.#cancelSweep?.();
    for (const launch of this.#launches.values()) launch.cancelKill?.();
    this.#launches.clear();
  }

  /** TERM again: the scheduler may have died between the note and the signal. */
  #resumeKill(launch: Watched, kill: NonNullable<Journal['kill']>): void {
    // Clamped: wall clocks jump, and a grace never grows.
    const leftMs = Math.min(Math.max(kill.by - this.#parts.clock.now(), 0), kill.graceMs);
    if (leftMs > 0) {
      terminateRun(this.#parts.source, launch.processes).catch((error) => this.#warn(launch, error));
    }
    this.#armKill(launch, leftMs);
  }

  #armKill(launch: Watched, delayMs: number): void {
    launch.cancelKill?.();
    if (this.#launches.get(launch.directory.name) !== launch) return;
    launch.cancelKill = this.#parts.clock.after(delayMs, () => void this.#forceKill(launch));
  }

  async #forceKill(launch: Watched): Promise<void> {
    launch.cancelKill = null;
    if (this.#launches.get(launch.directory.name) !== launch) return;
    try {
      // A shell dies with its group, so the journal must say before why there will be no exit code.
      if (await isRunAlive(this.#parts.source, launch.processes)) {
        await launch.directory.note(journalLine.killed);
        await killRun(this.#parts.source, launch.processes);
      }
    } catch (error) {
      this.#warn(launch, error);
    }
    if (!launch.exitPending) this.#parts.clock.after(afterKillMs, () => void this.#check(launch));
  }

  #armSweep(): void {
    if (this.#cancelSweep || this.#stopped || this.#launches.size === 0) return;
    this.#cancelSweep = this.#parts.clock.after(sweepEveryMs, () => {
      void this.#sweep().finally(() => {
        this.#cancelSweep = null;
        this.#armSweep();
      });
    });
  }

  async #sweep(): Promise<void> {
    const chosen: Watched[] = [];
    while (chosen.length < checksPerSweep) {
      this.#turn ??= this.#launches.values();
      const { value, done } = this.#turn.next();
      if (done) {
        this.#turn = null;
        break;
      }
      chosen.push(value);
    }
    for (let from = 0; from < chosen.length; from += checkWidth) {
      await Promise.all(chosen.slice(from, from + checkWidth).map((launch) => this.#tend(launch)));
    }
  }

  async #tend(launch: Watched): Promise<void> {
    await within(this.#parts.clock, trimPatienceMs, this.#trim(launch));
    if (!launch.exitPending) await this.#check(launch);
  }

  /** Never two at a time of one launch. */
  async #trim(launch: Watched): Promise<void> {
    if (launch.trimming) return;
    launch.trimming = true;
    await this.#trimNow(launch).catch((error) => this.#warn(launch, error));
    launch.trimming = false;
  }

  async #trimNow(launch: Watched): Promise<void> {
    const { clock, emit } = this.#parts;
    await launch.files.trim();
    const now = clock.monotonicMs();
    if (launch.dropped !== null && now - launch.dropped.atMs < tellDroppedEveryMs) return;
    const before = launch.dropped?.bytes ?? 0;
    const bytes = await launch.files.bytesDropped();
    const { name: launchName } = launch.directory;
    if (bytes > before && this.#launches.get(launchName) === launch)
      emit({ kind: 'output-dropped', launchName, at: clock.now(), bytesDropped: bytes });
    launch.dropped = { bytes, atMs: now };
  }

  /** Checks whether it has ended; never two concurrent checks of one launch. */
  async #check(launch: Watched): Promise<void> {
    const { directory } = launch;
    if (launch.looking || this.#launches.get(directory.name) !== launch) return;
    launch.looking = true;
    try {
      const journal = await this.#endOf(launch);
      if (!journal || this.#launches.get(directory.name) !== launch) return;
      launch.cancelKill?.();
      this.#launches.delete(directory.name);
      this.#parts.emit(endedObservation(directory.name, journal, launch.startedAt, this.#parts.source));
    } catch (error) {
      this.#warn(launch, error);
    } finally {
      launch.looking = false;
    }
  }

  /** The final journal, or null while anything of it lives. */
  async #endOf(launch: Watched): Promise<(Journal & { endedAt: number }) | null> {
    const { directory, processes } = launch;
    const { source, clock } = this.#parts;
    if (await isAlive(source, processes.supervisor)) return null;
    if (await isRunAlive(source, processes)) {
      launch.lingered = true;
      return null;
    }
    if (processes.cgroup !== null) await removeCgroup(processes.cgroup);
    // Read only now, because the supervisor wrote its last line before it ended.
    const journal = await directory.journal();
    if (!journal) {
      this.#launches.delete(directory.name); // Removed by another scheduler, so its end was reported there.
      return null;
    }
    if (journal.endedAt !== null) return { ...journal, endedAt: journal.endedAt };
    const exitSeen = journal.exitCode !== null && !launch.lingered;
    const endedAt = Math.max(launch.startedAt, (exitSeen ? await directory.notedAt() : null) ?? clock.now());
    // A full disk must neither keep output above its limit from being handled nor an end from being reported.
    await launch.files.trim().catch((error) => this.#warn(launch, error));
    const bytesDropped = await launch.files.bytesDropped();
    await directory.note(journalLine.ended(endedAt, bytesDropped));
    return { ...journal, endedAt, bytesDropped };
  }

  #warn(launch: Watched, error: unknown): void {
    this.#parts.log.warn({ launch: launch.directory.name, error: String(error) }, 'launch.watch-failed');
  }
}

export function endedObservation(
  launchName: string,
  journal: Journal & { endedAt: number },
  startedAt: number | null,
  source: ProcessSource,
): Observation {
  return {
    kind: 'ended',
    launchName,
    at: journal.endedAt,
    ...(startedAt === null ? {} : { startedAt }),
    ...outcomeOf(journal, source.boot),
  };
}

/** When the job of a launch started, epoch milliseconds. Null if it never did. */
export async function startedAtOf(directory: LaunchDirectory, journal: Journal): Promise<number | null> {
  if (!journal.supervisor) return null;
  return (await directory.claimedAt()) ?? directory.record?.createdAt ?? 0;
}
